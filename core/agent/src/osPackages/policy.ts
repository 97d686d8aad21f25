import { existsSync, readFileSync } from 'node:fs';
import { chmod, link, rename, rm, writeFile } from 'node:fs/promises';
import { takeLock } from '../processes/lock.ts';

const MARK = '# of stackyard: services are started by their keepers only';
const LOCK_WAIT_MS = 600_000;
const KEPT = '.before-stackyard';

export interface PolicyPlace {
  /** What Debian's packages ask before they start a service. */
  readonly file: string;
  /** Held while there is a policy of ours. */
  readonly lock: string;
}

export const POLICY: PolicyPlace = {
  file: '/usr/sbin/policy-rc.d',
  lock: '/run/stackyard-os-packages.lock',
};

/**
 * Does work while no package that is installed may start the service it brings: two of a kind would fight for a port. What
 * there was as policy before is put back, also what an installation left that was cut off.
 */
export async function withoutServiceStarts<T>(work: () => Promise<T>, { file, lock: lockFile } = POLICY): Promise<T> {
  const lock = await takeLock(lockFile, { waitMs: LOCK_WAIT_MS });
  try {
    await putBack(file);
    if (existsSync(file)) await rename(file, `${file}${KEPT}`);
    const temporary = `${file}.stackyard`;
    await writeFile(temporary, `#!/bin/sh\n${MARK}\nexit 101\n`);
    await chmod(temporary, 0o755);
    await rename(temporary, file);
    try {
      return await work();
    } finally {
      await putBack(file);
    }
  } finally {
    lock.release();
  }
}

async function putBack(file: string): Promise<void> {
  const kept = `${file}${KEPT}`;
  if (existsSync(file) && readFileSync(file, 'utf8').includes(MARK)) await rm(file);
  if (!existsSync(kept)) return;
  // Somebody may have made one meanwhile: the newest holds.
  if (!existsSync(file)) await link(kept, file);
  await rm(kept);
}
