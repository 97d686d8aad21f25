import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { packageDir } from '@stackyard/sdk/render';
import { takeLock } from '../processes/lock.ts';
import { packagesOf, type PhaseContext } from './context.ts';
import { removeWithEmptyParents } from './files.ts';

/** Who uses an unpacked package: a file per host component, beside the package's directory. */
export function packageUsersDir(packageDir: string): string {
  return join(dirname(packageDir), '.users', basename(packageDir));
}

/** Directories of packages that lie beside each other, by which versions of a product are told apart. */
async function packagesBeside(context: PhaseContext): Promise<{ label: string; dir: string }[]> {
  const own = packagesOf(context);
  const known = new Map(own.map(({ name, version, dir }) => [dir, `${name} ${version}`]));
  const [first] = own;
  const base = first ? dirname(first.dir) : dirname(packageDir(context.inputs.self.root, 'any', '1'));
  const names = await readdir(join(base, '.users')).catch(() => []);
  const dirs = names.filter((name) => !name.endsWith('.lock')).map((name) => join(base, name));
  return dirs.map((dir) => ({ dir, label: known.get(dir) ?? basename(dir) }));
}

/**
 * Takes this host component off its packages, those of versions that it ran before included, and removes what nobody uses
 * any more.
 */
export async function releasePackages(context: PhaseContext): Promise<void> {
  const { root, hostComponentId } = context.inputs.self;
  for (const { label, dir } of await packagesBeside(context)) {
    const users = packageUsersDir(dir);
    if (!existsSync(join(users, hostComponentId))) continue;
    const left = await readdir(users).catch(() => undefined);
    if (left === undefined) continue;
    const lock = await takeLock(`${users}.lock`, { waitMs: 60_000 });
    try {
      await rm(join(users, hostComponentId), { force: true });
      const others = (await readdir(users)).length;
      if (others > 0) {
        context.log(`Kept ${label}: ${others} other component${others > 1 ? 's' : ''} of this host use it.`);
        continue;
      }
      await removeWithEmptyParents(dir, root);
      await rm(`${users}.lock`, { force: true });
      await removeWithEmptyParents(users, root);
      context.log(`Removed ${label} from ${dir}.`);
    } finally {
      lock.release();
    }
  }
}
