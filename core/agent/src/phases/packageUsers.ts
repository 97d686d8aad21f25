import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { takeLock } from '../processes/lock.ts';
import { packagesOf, type PhaseContext } from './context.ts';
import { removeWithEmptyParents } from './files.ts';

/** Who uses an unpacked package: a file per host component, beside the package's directory. */
export function packageUsersDir(packageDir: string): string {
  return join(dirname(packageDir), '.users', basename(packageDir));
}

/** Takes this host component off its packages, and removes those that nobody uses any more. */
export async function releasePackages(context: PhaseContext): Promise<void> {
  const { root, hostComponentId } = context.inputs.self;
  for (const { name, version, dir } of packagesOf(context)) {
    const users = packageUsersDir(dir);
    const left = await readdir(users).catch(() => undefined);
    if (left === undefined) continue;
    const lock = await takeLock(`${users}.lock`, { waitMs: 60_000 });
    try {
      await rm(join(users, hostComponentId), { force: true });
      const others = (await readdir(users)).length;
      if (others > 0) {
        context.log(`Kept ${name} ${version}: ${others} other component${others > 1 ? 's' : ''} of this host use it.`);
        continue;
      }
      await removeWithEmptyParents(dir, root);
      await rm(`${users}.lock`, { force: true });
      await removeWithEmptyParents(users, root);
      context.log(`Removed ${name} ${version} from ${dir}.`);
    } finally {
      lock.release();
    }
  }
}
