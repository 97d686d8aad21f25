import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError } from '../errors.ts';

/** What is to lie in a folder: contents by file name. All names start with `stackyard.`; others are left alone. */
export type Wanted = ReadonlyMap<string, string>;

export interface Changes {
  readonly written: readonly string[];
  readonly removed: readonly string[];
  /** What is not taken, and why. */
  readonly refused: readonly { readonly file: string; readonly why: string }[];
}

/** A name that leads nowhere else, whatever the server answers. */
const SAFE = /^stackyard\.[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}$/;

/**
 * Makes a folder hold exactly these files of ours: each is written beside its place and renamed, so that
 * nobody ever reads half of one. Files that are as they should be are not touched.
 *
 * @param kept Whether a file of ours that is not wanted stays.
 * @throws CliError when the folder cannot be written
 */
export async function keepFiles(
  folder: string,
  wanted: Wanted,
  kept: (name: string) => boolean,
): Promise<Omit<Changes, 'refused'>> {
  const written: string[] = [];
  const removed: string[] = [];
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, content] of wanted) {
      if (!SAFE.test(name))
        throw new CliError(`The server named a file ${JSON.stringify(name)}, which is not written.`);
      const path = join(folder, name);
      if ((await readFile(path, 'utf8').catch(() => undefined)) === content) continue;
      const partial = join(folder, `.${name}.${randomUUID()}`);
      try {
        await writeFile(partial, content, { flag: 'wx' });
        await chmod(partial, 0o644);
        await rename(partial, path);
        written.push(path);
      } finally {
        await rm(partial, { force: true });
      }
    }
    for (const name of await readdir(folder)) {
      if (!SAFE.test(name) || wanted.has(name) || kept(name)) continue;
      await rm(join(folder, name));
      removed.push(join(folder, name));
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${folder} cannot be kept up to date: ${(error as Error).message}.`, 1, { cause: error });
  }
  return { written, removed };
}
