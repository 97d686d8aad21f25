import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { findPackageJSON, registerHooks } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadPlugins, type Plugin, PluginLoadError } from '@stackyard/kernel';
import { satisfies, validRange } from 'semver';
import { z } from 'zod';
import { CliError } from '../errors.ts';

/** The package that a plugin came in. */
export interface FoundPackage {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

export interface ServerPlugin {
  readonly plugin: Plugin;
  readonly found: FoundPackage;
}

const ranges = z.record(z.string(), z.string()).optional();
const PackageJson = z.looseObject({
  name: z.string(),
  version: z.string(),
  exports: z.unknown().optional(),
  main: z.string().optional(),
  dependencies: ranges,
  peerDependencies: ranges,
  stackyard: z.looseObject({ kind: z.string().optional(), contract: z.string().optional() }).optional(),
});
type PackageJson = z.infer<typeof PackageJson>;

/** What has to be the host's own copy: tokens, errors, and the schemas of routes. */
const OF_HOST = /^(@stackyard\/(kernel|contract|sdk)|zod)(\/|$)/;
const ENTRY = 'stackyard-plugin:';

/** Folders of plugins from elsewhere, as URLs that end with a slash. */
const roots = new Set<string>();
let hooked = false;

/**
 * Finds plugins by name or folder, and loads them with the kernel and the contract that this server has.
 *
 * @throws CliError that names each plugin that cannot be loaded, and why
 */
export async function loadServerPlugins(
  references: readonly string[],
  { dataDir, without = [] }: { readonly dataDir: string; readonly without?: readonly string[] },
): Promise<readonly ServerPlugin[]> {
  const unused = new Set(without);
  const leaves = (...names: readonly string[]) =>
    names.filter((name) => unused.delete(name)).length > 0 || names.some((name) => without.includes(name));
  const problems: { package: string; sentence: string }[] = [];
  const loaded: ServerPlugin[] = [];
  for (const reference of references) {
    if (leaves(reference)) continue;
    try {
      const { found, entry } = find(reference, dataDir);
      if (leaves(found.name)) continue;
      const plugins = await loadPlugins([reference], () => import(entry));
      loaded.push(...plugins.filter(({ id }) => !leaves(id)).map((plugin) => ({ plugin, found })));
    } catch (error) {
      if (error instanceof PluginLoadError) problems.push(...error.fields.problems);
      else problems.push({ package: reference, sentence: (error as Error).message });
    }
  }
  if (problems.length > 0) {
    const first = problems[0]?.package ?? '';
    const { message } = new PluginLoadError({ problems });
    throw new CliError(`${message}\nThe server starts without one of them by --without-plugin ${first}.`);
  }
  if (unused.size > 0)
    throw new CliError(
      `There is no plugin ${[...unused].join(', ')} to leave out. Configured: ${references.join(', ') || 'none'}.`,
      2,
    );
  return loaded;
}

/** @throws Error with a sentence that names the plugin */
function find(reference: string, dataDir: string): { readonly found: FoundPackage; readonly entry: string } {
  const { file, own } = locate(reference, dataDir);
  const manifest = readPackage(file, reference);
  const folder = dirname(realpathSync(file));
  const { name, version } = manifest;
  if (manifest.stackyard?.kind !== 'plugin')
    throw new Error(`"${reference}" is no platform plugin: its package.json has no "stackyard": { "kind": "plugin" }.`);
  checkContract(manifest);
  if (!own) adopt(folder);
  return { found: { name, version, folder }, entry: own ? name : entryOf(manifest, folder) };
}

/** The package.json of a reference; `own` where the packages of the server themselves would find it. */
function locate(reference: string, dataDir: string): { readonly file: string; readonly own: boolean } {
  if (/^(\.{0,2}\/|\.{1,2}$)/.test(reference)) {
    const file = join(resolve(reference), 'package.json');
    if (existsSync(file)) return { file, own: false };
    throw new Error(`There is no plugin in ${resolve(reference)}: it has no package.json.`);
  }
  if (!/^(@[a-z0-9._-]+\/)?[a-z0-9][a-z0-9._-]*$/.test(reference))
    throw new Error(`"${reference}" is neither the name of a package nor a folder, which starts with / or ./.`);
  const installed = [join(dataDir, 'plugins/node_modules', reference), join(dataDir, 'plugins', reference)];
  const there = installed.map((folder) => join(folder, 'package.json')).find((file) => existsSync(file));
  if (there) return { file: there, own: false };
  const beside = packageBeside(reference);
  if (beside) return { file: beside, own: true };
  throw new Error(
    `"${reference}" is not installed. Install it by "npm install --prefix ${join(dataDir, 'plugins')} ${reference}", or take it out of the list of plugins.`,
  );
}

function packageBeside(name: string): string | undefined {
  try {
    return findPackageJSON(name, import.meta.url);
  } catch {
    return undefined;
  }
}

function readPackage(file: string, reference: string): PackageJson {
  try {
    return PackageJson.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new Error(`The package.json of "${reference}" (${file}) cannot be read.`, { cause: error });
  }
}

/** @throws Error when the plugin was made for another contract */
function checkContract({ name, version, stackyard, peerDependencies, dependencies }: PackageJson): void {
  const contract = '@stackyard/contract';
  const range = stackyard?.contract ?? peerDependencies?.[contract] ?? dependencies?.[contract];
  const host = hostVersion(contract);
  if (range === undefined)
    throw new Error(
      `"${name}" ${version} does not say which contract it is made for. Add ${contract} to its peerDependencies, such as "^${host}".`,
    );
  if (validRange(range) === null)
    throw new Error(`"${name}" ${version} asks for ${contract} ${range}, which is no range.`);
  if (!satisfies(host, range))
    throw new Error(
      `"${name}" ${version} is made for ${contract} ${range}, and this server has ${host}. Use a version of the plugin that fits.`,
    );
}

function hostVersion(name: string): string {
  const file = findPackageJSON(name, import.meta.url);
  return (JSON.parse(readFileSync(file!, 'utf8')) as { version: string }).version;
}

/** A package with `exports` is entered as it would enter itself, so that conditions hold; another by its main file. */
function entryOf({ name, exports, main = 'index.js' }: PackageJson, folder: string): string {
  return exports === undefined || exports === null
    ? pathToFileURL(join(folder, main)).href
    : `${ENTRY}${encodeURIComponent(folder)}/${encodeURIComponent(name)}`;
}

/** From now on, what lies in this folder gets the host's copies of what it meets the host by. */
function adopt(folder: string): void {
  roots.add(`${pathToFileURL(folder).href}/`);
  // Its dependencies may be hoisted beside it.
  const [above] = /^.*\/node_modules\//.exec(`${pathToFileURL(folder).href}/`) ?? [];
  if (above) roots.add(above);
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier.startsWith(ENTRY)) {
        const [where = '', name = ''] = specifier.slice(ENTRY.length).split('/').map(decodeURIComponent);
        return next(name, { ...context, parentURL: pathToFileURL(join(where, 'package.json')).href });
      }
      const parent = context.parentURL ?? '';
      if (OF_HOST.test(specifier) && [...roots].some((root) => parent.startsWith(root)))
        return next(specifier, { ...context, parentURL: import.meta.url });
      return next(specifier, context);
    },
  });
}
