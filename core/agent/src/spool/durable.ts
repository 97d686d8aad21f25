import { closeSync, fsync, fsyncSync, openSync, renameSync } from 'node:fs';
import { link, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const fsyncLater = promisify(fsync);
let counter = 0;

/** Makes a file's content, or the names in a directory, survive a power loss. */
export async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Replaces a file so that after any crash it holds either the old or the new content, whole. */
export async function writeDurably(file: string, data: string | Uint8Array): Promise<void> {
  const temporary = temporaryName(file);
  await writeSynced(temporary, data);
  await rename(temporary, file);
  await syncDirectory(dirname(file));
}

/** Creates a file with its whole content, durably, unless it exists; tells whether this call made it. */
export async function linkOnce(file: string, data: string | Uint8Array): Promise<boolean> {
  const temporary = temporaryName(file);
  await writeSynced(temporary, data);
  const won = await link(temporary, file).then(
    () => true,
    (error: unknown) => refusedAsExisting(error),
  );
  await unlink(temporary);
  // Also after a lost race: what the winner wrote must be durable before anybody acts on it.
  await syncDirectory(dirname(file));
  return won;
}

/** Makes a file and its name survive a power loss: both go to the disk side by side, which is one commit instead of two. */
export async function syncWithName(file: string, ...directories: string[]): Promise<void> {
  const fds: number[] = [];
  try {
    for (const path of [file, dirname(file), ...directories]) fds.push(openSync(path, 'r'));
    // Only the syncs themselves are given to threads, and all at once: to give one more waits for the thread that just took one.
    const synced = await Promise.allSettled(fds.map((fd) => fsyncLater(fd)));
    for (const each of synced) if (each.status === 'rejected') throw each.reason;
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

/** `syncWithName` for a process that is about to end. */
export function syncWithNameSync(file: string): void {
  for (const path of [file, dirname(file)]) {
    const fd = openSync(path, 'r');
    fsyncSync(fd);
    closeSync(fd);
  }
}

/** A name beside the file that no other writer uses. */
function temporaryName(file: string): string {
  counter += 1;
  return `${file}.${process.pid}-${counter}.tmp`;
}

async function writeSynced(file: string, data: string | Uint8Array): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** False for an error that only says that something of that name is there. */
export function refusedAsExisting(error: unknown): false {
  if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
  throw error;
}

/** Renames without waiting for the disk: for names whose loss in a power failure costs nothing. */
export function renameIfPresent(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
