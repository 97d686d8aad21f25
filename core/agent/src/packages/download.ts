import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentError, DigestMismatchError, DownloadFailedError } from '../errors.ts';
import { syncDirectory } from '../spool/durable.ts';
import { namingFullDisk } from './errors.ts';
import { SingleFlight } from './singleFlight.ts';

export interface DownloadProgress {
  readonly bytes: number;
  readonly total: number;
}

export interface DownloadOptions {
  /** How sentences name it, such as "zookeeper 3.9.4". */
  readonly name: string;
  /** `sha256-…` of the bytes. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  /** The store: files are called by their digest. */
  readonly dir: string;
  /**
   * The bytes from an offset on. When it breaks off it is called again with the offset reached; an AgentError that it
   * throws is final.
   */
  readonly read: (offset: number, signal: AbortSignal) => AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

/** Tries in a row that may bring nothing. */
const FRUITLESS_TRIES = 4;

const flights = new SingleFlight<DownloadProgress, string>();

/**
 * Gets a file into a content-addressed store and returns its path. What broke off is kept and goes on from where it
 * stands, also after a restart. Concurrent calls for one digest share one download.
 *
 * @throws DigestMismatchError, DownloadFailedError, DiskFullError, the AgentError of the source, the signal's reason.
 */
export async function download(options: DownloadOptions): Promise<string> {
  if (!/^sha256-[0-9a-f]{64}$/.test(options.digest))
    throw new DownloadFailedError(`Package ${options.name}`, `"${options.digest}" is no digest`);
  const path = join(options.dir, options.digest);
  return flights.run(path, (signal, report) => fetchInto(path, options, signal, report), options);
}

async function fetchInto(
  path: string,
  options: DownloadOptions,
  signal: AbortSignal,
  report: (progress: DownloadProgress) => void,
): Promise<string> {
  const { name, digest, size, dir } = options;
  const part = `${path}.part`;
  try {
    if (await isWhole(path, digest, size)) return path;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    let furthest = await sizeOf(part);
    for (let fruitless = 0; ;) {
      const resumedFrom = await sizeOf(part);
      const found = await receive(part, options, signal, report);
      if (found === digest) break;
      if (typeof found === 'string') {
        await rm(part, { force: true });
        // The kept part may be what was wrong: it is not synced while it grows.
        if (resumedFrom > 0) continue;
        throw new DigestMismatchError(`Package ${name}`, digest, found);
      }
      const reached = await sizeOf(part);
      fruitless = reached > furthest ? 0 : fruitless + 1;
      furthest = Math.max(furthest, reached);
      if (fruitless >= FRUITLESS_TRIES)
        throw new DownloadFailedError(`Package ${name}`, `${found.message} (${reached} of ${size} bytes are kept)`, {
          cause: found,
        });
      await delay(fruitless === 0 ? 0 : 100 * 2 ** fruitless, undefined, { signal });
    }
    await rename(part, path);
    await syncDirectory(dir);
    return path;
  } catch (error) {
    throw signal.aborted ? signal.reason : namingFullDisk(error, name, dir);
  }
}

/** Appends what the source gives; returns the digest of the whole file, or why it is not whole yet. */
async function receive(
  part: string,
  { name, size, read }: DownloadOptions,
  signal: AbortSignal,
  report: (progress: DownloadProgress) => void,
): Promise<string | Error> {
  let bytes = await sizeOf(part);
  if (bytes > size) {
    await rm(part, { force: true });
    bytes = 0;
  }
  const hash = await hashOf(part, bytes);
  const handle = await open(part, 'a', 0o600);
  try {
    const source = bytes < size ? read(bytes, signal)[Symbol.asyncIterator]() : undefined;
    while (bytes < size) {
      const next = await source?.next().catch((error: unknown) => {
        if (signal.aborted || error instanceof AgentError) throw error;
        return error instanceof Error ? error : new Error(String(error));
      });
      if (next instanceof Error) return next;
      if (next === undefined || next.done) return new Error('the answer ended early');
      if (bytes + next.value.length > size) {
        await rm(part, { force: true });
        throw new DownloadFailedError(`Package ${name}`, `the server sent more than the ${size} bytes announced`);
      }
      hash.update(next.value);
      await handle.writeFile(next.value);
      bytes += next.value.length;
      report({ bytes, total: size });
    }
    await source?.return?.();
    await handle.sync();
  } finally {
    await handle.close();
  }
  return `sha256-${hash.digest('hex')}`;
}

/** Whether the store has the file; a damaged one is removed. */
async function isWhole(path: string, digest: string, size: number): Promise<boolean> {
  const there = await sizeOf(path);
  if (there === size && `sha256-${(await hashOf(path, there)).digest('hex')}` === digest) return true;
  await rm(path, { force: true });
  return false;
}

async function hashOf(path: string, bytes: number): Promise<Hash> {
  const hash = createHash('sha256');
  if (bytes === 0) return hash;
  for await (const chunk of createReadStream(path, { end: bytes - 1, highWaterMark: 262_144 }))
    hash.update(chunk as Buffer);
  return hash;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}
