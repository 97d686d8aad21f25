import { PluginLoadError } from './errors.ts';
import { isPlugin, type Plugin } from './plugin.ts';

/** Imports a package by name: `(name) => import(name)`, written where the names are to be looked up from. */
export type Importer = (name: string) => Promise<unknown>;

/**
 * Loads the plugins a configuration names. A package's default export is a plugin or a list of plugins.
 *
 * @throws PluginLoadError with every package that cannot be imported or exports something else.
 */
export async function loadPlugins(packages: readonly string[], importer: Importer): Promise<readonly Plugin[]> {
  const loaded = await Promise.all(packages.map((name) => loadPackage(name, importer)));
  const problems = loaded.flatMap((result) => ('sentence' in result ? [result] : []));
  if (problems.length > 0) throw new PluginLoadError({ problems });
  return loaded.flatMap((result) => ('plugins' in result ? result.plugins : []));
}

type Loaded = { readonly plugins: readonly Plugin[] } | { readonly package: string; readonly sentence: string };

async function loadPackage(name: string, importer: Importer): Promise<Loaded> {
  let module: unknown;
  try {
    module = await importer(name);
  } catch (error) {
    return { package: name, sentence: importFailure(name, error) };
  }
  const exported: unknown = (module as { default?: unknown } | null)?.default;
  const plugins: readonly unknown[] = Array.isArray(exported) ? exported : [exported];
  if (plugins.length > 0 && plugins.every(isPlugin)) return { plugins };
  const found = exported === undefined ? 'has no default export' : 'has a default export that is no plugin';
  return { package: name, sentence: `"${name}" ${found}. Its main file must "export default definePlugin({ … })".` };
}

function importFailure(name: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  // Only the package itself; a plugin may also fail to find something it imports.
  const absent = (error as { code?: unknown } | null)?.code === 'ERR_MODULE_NOT_FOUND' && reason.includes(`'${name}'`);
  return absent
    ? `"${name}" is not installed. Install it, or take it out of the list of plugins.`
    : `"${name}" could not be imported: ${reason}`;
}
