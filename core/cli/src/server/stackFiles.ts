import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from '../errors.ts';

const bin = fileURLToPath(new URL('../../bin/stackyard.mjs', import.meta.url));

/**
 * The artifacts of stacks: a .tgz is one; a folder, or a package by its name, is built unless the same content was built
 * into `cacheDir` before. Building happens in a process of its own, so that no code of a stack is in the server's.
 *
 * @throws CliError that names what is wrong with which stack
 */
export async function stackFiles(stacks: readonly string[], cacheDir: string): Promise<string[]> {
  return Promise.all(
    stacks.map(async (stack) => {
      if (stack.endsWith('.tgz')) {
        if (!existsSync(stack))
          throw new CliError(
            `There is no stack artifact ${stack}. Build it by "stackyard stack build", or correct the path.`,
          );
        return resolve(stack);
      }
      const folder = folderOf(stack);
      const target = join(cacheDir, await contentDigest(folder));
      return (await builtIn(target)) ?? (await build(stack, folder, target));
    }),
  );
}

/** @throws CliError */
export function folderOf(stack: string): string {
  if (existsSync(join(stack, 'package.json'))) return resolve(stack);
  if (!stack.startsWith('.') && !stack.startsWith('/')) {
    const found = packageJson(stack);
    if (found !== undefined) return dirname(found);
  }
  throw new CliError(
    `There is no stack ${stack}: neither a folder with a package.json nor an installed package is called so.`,
  );
}

function packageJson(name: string): string | undefined {
  try {
    return findPackageJSON(name, import.meta.url);
  } catch {
    return undefined;
  }
}

async function builtIn(dir: string): Promise<string | undefined> {
  const files = await readdir(dir).catch(() => []);
  const artifact = files.find((file) => file.endsWith('.tgz'));
  return artifact === undefined ? undefined : join(dir, artifact);
}

async function build(stack: string, folder: string, target: string): Promise<string> {
  const staging = `${target}.${process.pid}`;
  await mkdir(staging, { recursive: true, mode: 0o700 });
  try {
    const built = await stackBuild(folder, staging);
    if (built.exitCode !== 0) throw new CliError(`The stack ${stack} cannot be built: ${built.said.trim()}`);
    // Another server may have been quicker with the same content.
    await rename(staging, target).catch((error: unknown) => {
      if (!existsSync(target)) throw error;
    });
    const file = await builtIn(target);
    if (file === undefined) throw new CliError(`The build of the stack ${stack} left no artifact in ${target}.`);
    return file;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function stackBuild(folder: string, outDir: string): Promise<{ exitCode: number | null; said: string }> {
  const child = spawn(process.execPath, [bin, 'stack', 'build', folder, '--out', outDir, '-o', 'name'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { exitCode, said };
}

/** Changes with any file of a package that can end up in its artifact; tests and what is installed or built do not. */
export async function contentDigest(folder: string): Promise<string> {
  const hash = createHash('sha256').update('1');
  for (const file of await filesOf(folder))
    hash
      .update(`${file}\0`)
      .update(await readFile(join(folder, file)))
      .update('\0');
  return hash.digest('hex').slice(0, 32);
}

const left = new Set(['node_modules', 'dist', 'reports', '.git', '.turbo']);

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter(({ name }) => !left.has(name) && !/\.test\.\w+$/.test(name))
      .map(async (entry) => {
        const path = join(folder, entry.name);
        const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await stat(path)).isDirectory());
        return isFolder ? (await filesOf(path)).map((file) => join(basename(path), file)) : [entry.name];
      }),
  );
  return found.flat().sort();
}
