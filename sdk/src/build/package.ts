import { existsSync } from 'node:fs';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ArtifactFile } from '../artifact/tarball.ts';
import { StackDefinitionError } from '../define/errors.ts';

const Target = z.union([
  z.string(),
  z.looseObject({ '@stackyard/source': z.string().optional(), default: z.string() }),
]);
const PackageJson = z.looseObject({
  name: z.string(),
  version: z.string(),
  stackyard: z.looseObject({ kind: z.string() }).optional(),
  exports: z.union([z.string(), z.looseObject({ '.': Target })]).optional(),
});

/** A stack's npm package as it lies in a folder. */
export interface StackPackage {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  /** The module whose default export is the stack. */
  readonly entry: string;
}

/**
 * Reads a package folder.
 * @throws StackDefinitionError
 */
export async function readPackage(folder: string): Promise<StackPackage> {
  const root = await realpath(folder).catch(() =>
    refuse(folder, 'there is no such folder', 'name the folder of a stack'),
  );
  const file = join(root, 'package.json');
  const parsed = PackageJson.safeParse(await readJson(file));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(file, `/${issue?.path.join('/')} ${issue?.message}`, 'correct it');
  }
  const { name, version, stackyard, exports = './index.js' } = parsed.data;
  if (stackyard?.kind !== 'stack') {
    return refuse(file, 'it does not say that this is a stack', 'add `"stackyard": { "kind": "stack" }`');
  }
  const target = typeof exports === 'string' ? exports : exports['.'];
  const choices =
    typeof target === 'string' ? [target] : [target['@stackyard/source'] ?? target.default, target.default];
  const entry = choices.map((choice) => join(root, choice)).find((choice) => existsSync(choice));
  if (!entry)
    return refuse(file, `there is no ${choices.join(' and no ')}`, 'let exports name the module of the stack');
  return { folder: root, name, version, entry };
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    return refuse(file, (error as Error).message, 'a stack is an npm package');
  }
}

function refuse(where: string, reason: string, remedy: string): never {
  throw new StackDefinitionError([{ where, reason, remedy }]);
}

const FOLDERS = ['templates', 'scripts', 'docs'];

/** What goes into the artifact as it is: templates, scripts and docs. */
export async function readAssets({ folder }: StackPackage): Promise<ArtifactFile[]> {
  const trees = await Promise.all(FOLDERS.map((name) => filesBelow(folder, name)));
  const readme = existsSync(join(folder, 'README.md')) ? ['README.md'] : [];
  return Promise.all(
    [...trees.flat(), ...readme].map(async (path) => ({
      path,
      content: await readFile(join(folder, path)),
      executable: path.startsWith('scripts/'),
    })),
  );
}

async function filesBelow(folder: string, name: string): Promise<string[]> {
  if (!existsSync(join(folder, name))) return [];
  const entries = await readdir(join(folder, name), { withFileTypes: true });
  const visible = entries.filter((entry) => !entry.name.startsWith('.'));
  const paths = await Promise.all(
    visible.map(async (entry) => {
      const path = `${name}/${entry.name}`;
      if (entry.isDirectory()) return filesBelow(folder, path);
      return entry.isFile() ? [path] : refuse(join(folder, path), 'it is no regular file', 'put a copy there');
    }),
  );
  return paths.flat();
}
