import { CliError } from '../errors.ts';

/** Verbs of the noun that are not the agent itself. */
export const AGENT_VERBS: readonly string[] = ['bundle', 'update'];

/**
 * Becomes the agent: this process goes on as the agent's bundle, which takes a quarter less memory than its sources.
 * Its options are its own.
 */
export async function runAgentCommand(argv: readonly string[]): Promise<number> {
  const { agentMain, buildBundle, bundleCommand } = await import('@stackyard/agent');
  const fromSources = import.meta.url.endsWith('.ts');
  if (!fromSources || !process.execve || argv.includes('--help')) return agentMain(argv);
  const bundle = await buildBundle().catch((error: unknown) => {
    throw new CliError(`The agent's bundle cannot be built: ${(error as Error).message}`, 1, { cause: error });
  });
  const { file, args, env } = bundleCommand(bundle);
  process.execve(file, [file, ...args, ...argv], { ...process.env, ...env });
  return 1;
}
