import { closeSync, fsync, fsyncSync, linkSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
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

/**
 * Creates a file with its whole content unless it exists; tells whether this call made it. Every process of this boot sees
 * it whole, whoever is killed; a power loss may take or tear it.
 */
export function linkOnceUnsynced(file: string, data: string | Uint8Array): boolean {
  const temporary = temporaryName(file);
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeAll(fd, Buffer.from(data as Uint8Array));
    linkSync(temporary, file);
    return true;
  } catch (error) {
    return refusedAsExisting(error);
  } finally {
    closeSync(fd);
    unlinkSync(temporary);
  }
}

/** Makes a file and its name survive a power loss: both go to the disk side by side, which is one commit instead of two. */
export async function syncWithName(file: string, ...directories: string[]): Promise<void> {
  await Promise.all([file, dirname(file), ...directories].map(syncPath));
}

/** Only the sync itself is given to a thread. */
async function syncPath(path: string): Promise<void> {
  const fd = openSync(path, 'r');
  try {
    await fsyncLater(fd);
  } finally {
    closeSync(fd);
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

function writeAll(fd: number, data: Buffer): void {
  for (let written = 0; written < data.length;) written += writeSync(fd, data, written);
}

function refusedAsExisting(error: unknown): false {
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
