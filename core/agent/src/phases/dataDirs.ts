import { existsSync } from 'node:fs';
import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemDirectory } from '@stackyard/sdk/render';
import { PhaseError } from '../errors.ts';
import { writeAtomically } from './files.ts';

/** In the directory of a host component: its data directories, one per line. */
const FILE = 'data-dirs';

/**
 * Where a data directory really lies, before it gets an owner or is deleted. A value may come from another property or
 * from a fact, and a service's own user may plant links in what belongs to it; neither must lead out of the host's
 * root, into a directory of the system, or along a link that others than the agent's user and root have made.
 * @throws PhaseError with the reason
 */
export async function safeDataDir(path: string, hostRoot: string): Promise<string> {
  const root = resolve(hostRoot);
  refuseSystem(path, path, root);
  const trusted = new Set([0, process.getuid?.() ?? 0]);
  let there = path;
  while (!(await lstat(there).catch(() => undefined)) && there !== '/') there = dirname(there);
  for (let each = there; each !== root && each !== '/'; each = dirname(each)) {
    const found = await lstat(each);
    if (found.isSymbolicLink() && !trusted.has(found.uid)) {
      throw refused(path, `${each} is a link that user ${found.uid} made, and it is not followed`);
    }
  }
  const real = await realpath(there).catch(() => {
    throw refused(path, `${there} is a link to what does not exist`);
  });
  const place = `${real === '/' ? '' : real}${path.slice(there === '/' ? 0 : there.length)}`;
  refuseSystem(path, place, await realpath(root));
  return place;
}

function refuseSystem(path: string, place: string, root: string): void {
  const top = root === '/' ? '' : root;
  if (place !== root && !place.startsWith(`${top}/`)) throw refused(path, `it leads to ${place}, outside of ${root}`);
  const taken = systemDirectory(place.slice(top.length) || '/');
  if (taken !== undefined) throw refused(path, place === path ? taken : `it leads to ${place}: ${taken}`);
}

function refused(path: string, why: string): PhaseError {
  return new PhaseError(`${path} cannot be a data directory: ${why}. Nothing in it was changed.`);
}

/** Remembers the data directories of a host component, so that those of others are known when one of them is removed. */
export async function rememberDataDirs(componentDir: string, paths: readonly string[]): Promise<void> {
  await writeAtomically(join(componentDir, FILE), paths.map((path) => `${path}\n`).join(''), { mode: 0o600 });
}

/** The id of another host component that has data in this directory, or whose data this directory lies in. */
export async function otherUser(componentDir: string, path: string): Promise<string | undefined> {
  const all = dirname(componentDir);
  for (const name of await readdir(all).catch(() => [])) {
    const file = join(all, name, FILE);
    if (join(all, name) === componentDir || !existsSync(file)) continue;
    const theirs = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
    if (theirs.some((other) => `${other}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${other}/`))) return name;
  }
  return undefined;
}
