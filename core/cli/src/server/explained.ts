import { ConstructionError, PluginStartError, WiringError } from '@stackyard/kernel';
import { CliError } from '../errors.ts';

/**
 * What kept a server from starting, for whoever starts it. Of a plugin that was configured it says which, and how the
 * server starts without it. The server's own plugins are no words of an operator, and cannot be left out: there the cause
 * is the sentence that helps.
 *
 * @param configured Ids of the plugins that the settings name
 */
export function explained(error: unknown, configured: readonly string[]): CliError {
  const blamed = blamedBy(error).filter((id) => configured.includes(id));
  const flags = blamed.map((id) => `--without-plugin ${id}`).join(' ');
  const remedy =
    blamed.length > 0 ? ` The server starts without ${blamed.length > 1 ? 'them' : 'it'} by ${flags}.` : '';
  const told = blamed.length > 0 ? error : innermost(error);
  return new CliError(`${told instanceof Error ? told.message : String(told)}${remedy}`, 1, { cause: error });
}

/** Ids of the plugins that an error of the kernel speaks of. */
function blamedBy(error: unknown): string[] {
  if (error instanceof PluginStartError) return [error.fields.plugin];
  if (error instanceof WiringError) return [...new Set(error.fields.problems.flatMap(({ plugin }) => plugin ?? []))];
  return [];
}

function innermost(error: unknown): unknown {
  return (error instanceof PluginStartError || error instanceof ConstructionError) && error.cause instanceof Error
    ? innermost(error.cause)
    : error;
}
