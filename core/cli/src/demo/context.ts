import type { Context } from '../connection/contexts.ts';
import { putContext, readContexts } from '../connection/contexts.ts';
import type { Terminal } from '../output/terminal.ts';

/**
 * Stores a server of this machine as a context, so that commands find it without variables. Another server that the user speaks to
 * stays the current one. @returns the option that commands need then, else nothing
 */
export async function storeContext(terminal: Terminal, context: Context, name: string): Promise<string> {
  try {
    await putContext(terminal.env, name, context, { current: false });
    const { current } = await readContexts(terminal.env);
    return current === name ? '' : ` --context ${name}`;
  } catch (error) {
    terminal.err(
      `The context ${name} could not be stored: ${(error as Error).message} Set STACKYARD_URL and STACKYARD_TOKEN_FILE instead.\n`,
    );
    return '';
  }
}
