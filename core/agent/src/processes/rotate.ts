import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { readSpec } from './state.ts';

export interface RotateOptions {
  /** A rotation happens when this much was written since the last one; 16 MiB unless told. */
  readonly segmentBytes?: number;
  /** How many segments are kept, 8 unless told; the log takes about (this + 1) × segmentBytes of disk. */
  readonly keepSegments?: number;
}

export interface Rotation {
  readonly rotated: boolean;
  /** Whether the file system could only truncate, where what is written in between may be lost. */
  readonly lossy: boolean;
}

/** What has been moved out of a log file. */
interface Moved {
  /** Which file; another one under the same name starts anew. */
  readonly inode: number;
  /** Everything before this offset is in segments. */
  readonly end: number;
  /** Number of the newest segment. */
  readonly segment: number;
}

const blockBytes = 4_096;
const run = promisify(execFile);

/**
 * Moves what was written to a log that a process holds open (appending) into the next segment, `<log>.000001` and so on, without
 * losing a byte: copy, then punch a hole where the copy was taken. Offsets in the log stay what they were. Not to be called
 * twice at once for the same log.
 */
export async function rotateLog(
  logFile: string,
  { segmentBytes = 16 * 2 ** 20, keepSegments = 8 }: RotateOptions = {},
): Promise<Rotation> {
  const found = await stat(logFile);
  const { size } = found;
  const moved = await readMoved(logFile, found);
  if (size - moved.end < segmentBytes) return { rotated: false, lossy: false };
  const end = Math.floor(size / blockBytes) * blockBytes;
  const next = await moveSegment(logFile, moved, end);
  const lossy = !(await punch(logFile, end));
  if (lossy) await truncateMoved(logFile, next);
  await dropOldSegments(logFile, next.segment - keepSegments);
  return { rotated: true, lossy };
}

/** Moves all that is left of a log nobody writes to into a last segment, so that the next process starts an empty file. */
export async function retireLog(logFile: string, { keepSegments = 8 }: RotateOptions = {}): Promise<void> {
  const found = await stat(logFile).catch(() => undefined);
  if (!found) return;
  const moved = await readMoved(logFile, found);
  if (moved.end === 0) return;
  const next = await moveSegment(logFile, moved, found.size);
  await rm(logFile);
  await writeMoved(logFile, { ...next, inode: 0 }); // the next file may get the same inode
  await dropOldSegments(logFile, next.segment - keepSegments);
}

/** Rotates the logs of all components below `rootDir` that are long enough. One that cannot be rotated leaves the others be. */
export async function rotateComponentLogs(
  rootDir: string,
  onFailure: (name: string, error: unknown) => void,
  options: RotateOptions = {},
): Promise<void> {
  for (const name of await readdir(rootDir)) {
    const stored = readSpec(join(rootDir, name));
    if (!stored) continue;
    await rotateLog(stored.spec.logFile, options).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onFailure(name, error);
    });
  }
}

/** Paths of a log's segments, oldest first; they and the rest of the log from `end` on are all that was ever written and kept. */
export async function segmentsOf(logFile: string): Promise<{ segments: string[]; end: number }> {
  const names = await readdir(dirname(logFile));
  const prefix = `${basename(logFile)}.`;
  const segments = names.filter((name) => name.startsWith(prefix) && /^\d{6,}$/.test(name.slice(prefix.length)));
  const found = await stat(logFile).catch(() => ({ ino: -1, size: 0 }));
  const { end } = await readMoved(logFile, found);
  return { segments: segments.toSorted().map((name) => join(dirname(logFile), name)), end };
}

/** Copies up to `end` into the next segment. A crash before the note is written makes the same segment again, only longer. */
async function moveSegment(logFile: string, moved: Moved, end: number): Promise<Moved> {
  const next = { inode: moved.inode, end, segment: moved.segment + 1 };
  const temporary = `${logFile}.copy`;
  if (end > moved.end) {
    const source = createReadStream(logFile, { start: moved.end, end: end - 1 });
    // The service's user may write in this directory: nothing is written through a link that it left there.
    await rm(temporary, { force: true });
    await pipeline(source, createWriteStream(temporary, { flags: 'wx', mode: 0o640 }));
    await rename(temporary, segmentPath(logFile, next.segment));
  }
  await writeMoved(logFile, next);
  return next;
}

async function punch(logFile: string, end: number): Promise<boolean> {
  try {
    await run('fallocate', ['--punch-hole', '--offset', '0', '--length', String(end), logFile]);
    return true;
  } catch {
    return false; // no such tool, or no holes on this file system
  }
}

/** Without holes: what came after the copy is added to the segment, then the file is cut. */
async function truncateMoved(logFile: string, moved: Moved): Promise<void> {
  const { size } = await stat(logFile);
  if (size > moved.end) {
    const rest = createReadStream(logFile, { start: moved.end, end: size - 1 });
    await pipeline(rest, createWriteStream(segmentPath(logFile, moved.segment), { flags: 'a' }));
  }
  await truncate(logFile);
  await writeMoved(logFile, { ...moved, end: 0 });
}

async function dropOldSegments(logFile: string, upTo: number): Promise<void> {
  const { segments } = await segmentsOf(logFile);
  const old = segments.filter((path) => Number(path.slice(path.lastIndexOf('.') + 1)) <= upTo);
  await Promise.all(old.map((path) => rm(path, { force: true })));
}

async function readMoved(logFile: string, { ino: inode, size }: { ino: number; size: number }): Promise<Moved> {
  const text = await readFile(notePath(logFile), 'utf8').catch(() => undefined);
  const known = text === undefined ? undefined : (JSON.parse(text) as Moved);
  return known?.inode === inode && known.end <= size ? known : { inode, end: 0, segment: known?.segment ?? 0 };
}

async function writeMoved(logFile: string, moved: Moved): Promise<void> {
  const temporary = `${notePath(logFile)}.tmp`;
  await rm(temporary, { force: true });
  await writeFile(temporary, JSON.stringify(moved), { flag: 'wx', mode: 0o640 });
  await rename(temporary, notePath(logFile));
}

function segmentPath(logFile: string, segment: number): string {
  return `${logFile}.${String(segment).padStart(6, '0')}`;
}

function notePath(logFile: string): string {
  return `${logFile}.rotation`;
}
