import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  PackageAnswerError,
  PackageChecksumError,
  PackageDownloadError,
  PackageSizeError,
  PackageUnreachableError,
} from './errors.ts';
import { BadRedirect, get, type HttpLimits, NoWayOut, shown } from './http.ts';

export interface DownloadOptions {
  /** How sentences name the package. */
  readonly package: string;
  readonly url: string;
  readonly sha512: string;
  /** Kept between tries and restarts until it is whole; one writer at a time. */
  readonly file: string;
  readonly limits: HttpLimits & { readonly maxBytes: number };
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number, total: number | undefined) => void;
}

/** The connection broke or the origin was overloaded: worth another try from where it stands. */
class BrokenOff extends Error {}
class WrongChecksum extends Error {
  readonly actual: string;
  readonly resumed: boolean;
  constructor(actual: string, resumed: boolean) {
    super('wrong checksum');
    this.actual = actual;
    this.resumed = resumed;
  }
}

/** Tries in a row that may bring nothing. */
const FRUITLESS_TRIES = 4;

/**
 * Downloads an archive and checks its sha512 while it streams. What broke off is kept and goes on from where it stands,
 * also after a restart of the process.
 *
 * @returns the path of the verified file; the caller moves it away.
 * @throws PackageUnreachableError, PackageAnswerError, PackageDownloadError, PackageChecksumError, PackageSizeError
 */
export async function download(options: DownloadOptions): Promise<string> {
  const { package: name, signal } = options;
  const url = shown(options.url);
  const { file } = options;
  let furthest = await sizeOf(file);
  for (let fruitless = 0, first = true; ; first = false) {
    try {
      await attempt(options);
      return file;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof NoWayOut && first)
        throw new PackageUnreachableError({ package: name, url, reason: error.message }, { cause: error });
      if (error instanceof WrongChecksum) {
        await rm(file, { force: true });
        // The kept part may be what was wrong: a partial file is not synced, and an origin may have changed under it.
        if (error.resumed) continue;
        const { actual } = error;
        throw new PackageChecksumError({ package: name, url, expected: options.sha512, actual });
      }
      if (!(error instanceof BrokenOff) && !(error instanceof NoWayOut)) throw error;
      const reached = await sizeOf(file);
      fruitless = reached > furthest ? 0 : fruitless + 1;
      furthest = Math.max(furthest, reached);
      if (fruitless >= FRUITLESS_TRIES)
        throw new PackageDownloadError({ package: name, url, bytes: reached, reason: error.message }, { cause: error });
      await delay(fruitless === 0 ? 0 : 100 * 2 ** fruitless, undefined, { signal });
    }
  }
}

async function attempt(options: DownloadOptions): Promise<void> {
  const { package: name, file, signal, limits } = options;
  const had = await sizeOf(file);
  const validator = await readFile(`${file}.validator`, 'utf8').catch(() => '');
  const answer = await get(
    new URL(options.url),
    {
      'accept-encoding': 'identity',
      ...(had > 0 && { range: `bytes=${had}-` }),
      // Without a validator the sha512 alone notices that the origin changed under us.
      ...(had > 0 && validator !== '' && { 'if-range': validator }),
    },
    { signal, limits },
  ).catch((error: unknown) => {
    if (error instanceof NoWayOut || signal.aborted) throw error;
    const { message } = error as Error;
    if (error instanceof BadRedirect)
      throw new PackageAnswerError({ package: name, url: shown(options.url), answer: message });
    throw new BrokenOff(message);
  });
  try {
    const offset = await offsetOf(answer, { file, had, name, url: shown(options.url) });
    const length = Number(answer.headers['content-length'] ?? Number.NaN);
    const total = Number.isNaN(length) ? undefined : offset + length;
    if (total !== undefined && total > limits.maxBytes)
      throw new PackageSizeError({ package: name, what: 'its size in bytes', limit: limits.maxBytes });
    await writeFile(`${file}.validator`, validatorOf(answer), { mode: 0o600 });
    const handle = await open(file, 'a', 0o600);
    try {
      await handle.truncate(offset).catch(ignoringDevices);
      const hash = await hashOf(file, offset);
      await receive(answer, { handle, hash, offset, total, options });
      const actual = hash.digest('hex');
      if (actual !== options.sha512) throw new WrongChecksum(actual, offset > 0);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rm(`${file}.validator`, { force: true });
  } finally {
    answer.destroy();
  }
}

/** Where the answer's bytes belong, or the reason why they are of no use. */
async function offsetOf(
  answer: IncomingMessage,
  { file, had, name, url }: { file: string; had: number; name: string; url: string },
): Promise<number> {
  const { statusCode = 0, headers } = answer;
  if (statusCode === 200) return 0;
  const start = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1];
  if (statusCode === 206 && Number(start) === had) return had;
  if (statusCode === 206 || statusCode === 416) {
    await rm(file, { force: true });
    throw new BrokenOff('the origin answered with another range');
  }
  if (statusCode === 429 || statusCode >= 500) throw new BrokenOff(`the origin answers ${statusCode}`);
  throw new PackageAnswerError({ package: name, url, answer: `answers ${statusCode}` });
}

async function receive(
  answer: IncomingMessage,
  to: { handle: FileHandle; hash: Hash; offset: number; total: number | undefined; options: DownloadOptions },
): Promise<void> {
  const { handle, hash, total, options } = to;
  let bytes = to.offset;
  const source = answer[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (;;) {
    const next = await source.next().catch((error: unknown) => {
      throw options.signal.aborted ? error : new BrokenOff((error as Error).message);
    });
    if (next.done) break;
    bytes += next.value.length;
    if (bytes > options.limits.maxBytes)
      throw new PackageSizeError({
        package: options.package,
        what: 'its size in bytes',
        limit: options.limits.maxBytes,
      });
    hash.update(next.value);
    await handle.writeFile(next.value);
    options.onBytes?.(bytes, total);
  }
  if (total !== undefined && bytes < total) throw new BrokenOff('the answer ended early');
}

/** A strong validator, in the form If-Range takes; '' when there is none. */
function validatorOf({ headers }: IncomingMessage): string {
  const { etag } = headers;
  return etag !== undefined && !etag.startsWith('W/') ? etag : (headers['last-modified'] ?? '');
}

async function hashOf(file: string, bytes: number): Promise<Hash> {
  const hash = createHash('sha512');
  if (bytes === 0) return hash;
  for await (const chunk of createReadStream(file, { end: bytes - 1 })) hash.update(chunk as Buffer);
  return hash;
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}

/** A device has no length to cut. */
function ignoringDevices(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EINVAL') throw error;
}
