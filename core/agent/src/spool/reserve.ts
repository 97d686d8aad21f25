import { statSync, unlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** Disk space set aside in the spool, so that results can be written on a disk that others have filled. */
const reserveName = 'reserve';
const chunkBytes = 2 ** 20;

/** Whether the space is set aside. */
export function isReserveKept(dir: string, bytes: number): boolean {
  return (statSync(join(dir, reserveName), { throwIfNoEntry: false })?.size ?? 0) >= bytes;
}

/** Sets the space aside unless that is done; false on a disk too full for it: then nothing may be promised. */
export async function keepReserve(dir: string, bytes: number): Promise<boolean> {
  const file = join(dir, reserveName);
  if (isReserveKept(dir, bytes)) return true;
  const handle = await open(file, 'w', 0o600);
  try {
    // Written, not only sized: a hole would reserve nothing.
    for (let left = bytes; left > 0; left -= chunkBytes) await handle.write(Buffer.alloc(Math.min(left, chunkBytes)));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    return false;
  } finally {
    await handle.close();
  }
}

/** Gives the space free when this error says that there is none; true when another try makes sense. */
export function releaseReserve(dir: string, error: unknown): boolean {
  if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') return false;
  try {
    unlinkSync(join(dir, reserveName));
    return true;
  } catch {
    return false; // used up before
  }
}
