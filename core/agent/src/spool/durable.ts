import { closeSync, fsyncSync, linkSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { link, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

let counter = 0;

/** Makes names that were created, renamed or linked in a directory survive a power loss. */
export async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the content of a file survive a power loss; false when there is no such file. */
export async function syncFile(file: string): Promise<boolean> {
  try {
    await syncDirectory(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
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

/** `linkOnce` for a process that is about to end or has nothing else to do. */
export function linkOnceSync(file: string, data: string | Uint8Array): boolean {
  const temporary = temporaryName(file);
  const fd = openSync(temporary, 'w', 0o600);
  writeAll(fd, Buffer.from(data as Uint8Array));
  fsyncSync(fd);
  closeSync(fd);
  let won = true;
  try {
    linkSync(temporary, file);
  } catch (error) {
    won = refusedAsExisting(error);
  }
  unlinkSync(temporary);
  const dir = openSync(dirname(file), 'r');
  fsyncSync(dir);
  closeSync(dir);
  return won;
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
