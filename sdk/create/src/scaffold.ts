import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ScaffoldError } from './errors.ts';
import { packageJson } from './packageJson.ts';
import { templateFiles } from './template.ts';

export interface ScaffoldOptions {
  /** The package, such as `@acme/valkey` or `valkey`, which becomes `@stack/valkey`. */
  readonly name: string;
  /** Where to; a folder called as the service, below the working directory, when absent. */
  readonly folder?: string | undefined;
  /** What people call the product; the name with a capital letter when absent. */
  readonly title?: string | undefined;
}

export interface Scaffolded {
  /** Absolute. */
  readonly folder: string;
  /** Of the npm package. */
  readonly package: string;
  readonly service: string;
  /** Relative to the folder. */
  readonly files: readonly string[];
}

const PACKAGE = /^(?:@(?<scope>[a-z0-9][a-z0-9-]{0,60})\/)?(?<service>[a-z][a-z0-9_-]{0,50})$/;

/**
 * Begins a stack: a package that builds, is tested and documented, made of the example that this repository tests.
 * @throws ScaffoldError when the name cannot be one or the folder holds something; nothing is written then.
 */
export async function scaffold({ name, folder, title }: ScaffoldOptions): Promise<Scaffolded> {
  const { scope = 'stack', service } = partsOf(name);
  const target = resolve(folder ?? service);
  await refuseFull(target);
  const words = { service, package: `@${scope}/${service}`, title: title ?? titleOf(service) };
  const files = { 'package.json': await packageJson(words), ...(await templateFiles(words)) };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(target, path)), { recursive: true });
    // Never over a file that came in the meantime.
    await writeFile(join(target, path), content, { flag: 'wx' });
  }
  return { folder: target, package: words.package, service, files: Object.keys(files).toSorted() };
}

function partsOf(name: string): { readonly scope?: string; readonly service: string } {
  const { scope, service } = PACKAGE.exec(name)?.groups ?? {};
  if (service === undefined) {
    throw new ScaffoldError(
      'NAME_INVALID',
      `${JSON.stringify(name)} cannot be the name of a stack. Use lower-case letters, digits, - and _, starting with a letter, such as valkey or @acme/valkey.`,
    );
  }
  return { service, ...(scope === undefined ? {} : { scope }) };
}

async function refuseFull(folder: string): Promise<void> {
  const there = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new ScaffoldError('FOLDER_NOT_EMPTY', `${folder} cannot be used: ${error.message}. Name another folder.`);
  });
  if (there.every((file) => file === '.git')) return;
  throw new ScaffoldError('FOLDER_NOT_EMPTY', `${folder} is not empty. Name another folder, or empty it first.`);
}

function titleOf(service: string): string {
  return service
    .split(/[-_]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
}
