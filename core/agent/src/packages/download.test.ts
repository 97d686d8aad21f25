import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AgentError } from '../errors.ts';
import { download, type DownloadOptions } from './download.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'download-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const bytes = randomBytes(100_000);
const digest = digestOf(bytes);

test('a download ends in the store under its digest and reports how far it is', async () => {
  const seen: number[] = [];
  const path = await get({ onProgress: (progress) => seen.push(progress.bytes) });
  expect(path).toBe(join(dir, digest));
  expect(await readFile(path)).toEqual(bytes);
  expect(seen.at(-1)).toBe(bytes.length);
  expect(await readdir(dir)).toEqual([digest]);
});

test('a download that breaks off goes on from where it stood', async () => {
  const source = breaking([30_000, 60_000]);
  expect(await readFile(await get({ read: source.read }))).toEqual(bytes);
  expect(source.offsets).toEqual([0, 30_000, 60_000]);
});

test('what broke off for good is kept and resumed by the next call', async () => {
  const source = breaking([40_000, 40_000, 40_000, 40_000, 40_000]);
  await expect(get({ read: source.read })).rejects.toThrow(
    /^Package product 1\.0 could not be downloaded from the server: the link broke \(40000 of 100000 bytes are kept\)/,
  );
  const next = breaking([]);
  expect(await readFile(await get({ read: next.read }))).toEqual(bytes);
  expect(next.offsets).toEqual([40_000]);
});

test('a stream that ends early counts as broken off', async () => {
  const offsets: number[] = [];
  const read = async function* (offset: number) {
    offsets.push(offset);
    yield bytes.subarray(offset, offset + 40_000);
  };
  expect(await readFile(await get({ read }))).toEqual(bytes);
  expect(offsets).toEqual([0, 40_000, 80_000]);
});

test('other bytes are refused by name and thrown away', async () => {
  const other = Buffer.from(bytes);
  other.writeUInt8(other.readUInt8(50_000) ^ 1, 50_000);
  await expect(get({ read: breaking([], other).read })).rejects.toThrow(
    `Package product 1.0 has digest ${digestOf(other)} instead of ${digest}.`,
  );
  expect(await readdir(dir)).toEqual([]);
});

test('a damaged partial file is noticed and fetched anew', async () => {
  await writeFile(join(dir, `${digest}.part`), Buffer.alloc(50_000));
  const source = breaking([]);
  expect(await readFile(await get({ read: source.read }))).toEqual(bytes);
  expect(source.offsets).toEqual([50_000, 0]);
});

test('a partial file that is too long or already whole does no harm', async () => {
  await writeFile(join(dir, `${digest}.part`), Buffer.alloc(200_000));
  expect(await readFile(await get())).toEqual(bytes);
  await rm(join(dir, digest));
  await writeFile(join(dir, `${digest}.part`), bytes);
  const source = breaking([]);
  expect(await readFile(await get({ read: source.read }))).toEqual(bytes);
  expect(source.offsets).toEqual([]);
});

test('what the store has is not fetched again, unless it was damaged', async () => {
  await get();
  const source = breaking([]);
  await get({ read: source.read });
  expect(source.offsets).toEqual([]);
  await writeFile(join(dir, digest), Buffer.alloc(bytes.length));
  expect(await readFile(await get({ read: source.read }))).toEqual(bytes);
  expect(source.offsets).toEqual([0]);
});

test('a source that sends more than announced is stopped', async () => {
  const read = async function* () {
    for (;;) yield Buffer.alloc(60_000);
  };
  await expect(get({ read })).rejects.toThrow(/sent more than the 100000 bytes announced/);
  expect(await readdir(dir)).toEqual([]);
});

test('concurrent calls for one digest share one download', async () => {
  const source = breaking([30_000]);
  const seen = [0, 0, 0];
  const paths = await Promise.all(
    seen.map((_, n) => get({ read: source.read, onProgress: ({ bytes }) => (seen[n] = bytes) })),
  );
  expect(new Set(paths)).toEqual(new Set([join(dir, digest)]));
  expect(source.offsets).toEqual([0, 30_000]);
  expect(seen).toEqual([bytes.length, bytes.length, bytes.length]);
});

test('who gives up leaves the others alone', async () => {
  const source = breaking([]);
  const leaver = new AbortController();
  const left = get({ read: source.read, signal: leaver.signal, onProgress: () => leaver.abort() });
  const stayed = get({ read: source.read });
  await expect(left).rejects.toMatchObject({ name: 'AbortError' });
  expect(await readFile(await stayed)).toEqual(bytes);
});

test('when the last one gives up the source is told, and the next call goes on', async () => {
  const leaver = new AbortController();
  const told = new Promise<void>((resolve) => {
    const read = async function* (offset: number, signal: AbortSignal) {
      yield bytes.subarray(offset, 20_000);
      await new Promise<void>((stop) => signal.addEventListener('abort', () => stop()));
      resolve();
      signal.throwIfAborted();
    };
    get({ read, signal: leaver.signal, onProgress: () => leaver.abort() }).catch(() => undefined);
  });
  await told;
  const source = breaking([]);
  expect(await readFile(await get({ read: source.read }))).toEqual(bytes);
  expect(source.offsets).toEqual([20_000]);
});

test('an error that the source calls final ends the download at once', async () => {
  let calls = 0;
  const read = async function* (): AsyncGenerator<Uint8Array> {
    calls += 1;
    yield* [];
    throw new AgentError('PACKAGE_UNKNOWN', 'The server has no such package.');
  };
  await expect(get({ read })).rejects.toThrow('The server has no such package.');
  expect(calls).toBe(1);
});

test('a full disk is one sentence', async () => {
  await symlink('/dev/full', join(dir, `${digest}.part`));
  await expect(get()).rejects.toThrow(
    `Package product 1.0 could not be stored: the disk that holds ${dir} is full. Free space there and retry the task.`,
  );
});

test('wherever a download breaks, its bytes are the same in the end', async () => {
  const cuts = fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(cuts, async (at) => {
      const store = join(dir, 'store');
      await mkdir(store);
      const sorted = [...new Set(at)].sort((a, b) => a - b);
      expect(await readFile(await get({ read: breaking(sorted).read, dir: store }))).toEqual(bytes);
      await rm(store, { recursive: true });
    }),
    { numRuns: 25 },
  );
});

function get(options: Partial<DownloadOptions> = {}): Promise<string> {
  return download({ name: 'product 1.0', digest, size: bytes.length, dir, read: breaking([]).read, ...options });
}

/** A source that breaks at these positions, one per call, and remembers where it was asked to begin. */
function breaking(cuts: readonly number[], content: Buffer = bytes) {
  const offsets: number[] = [];
  const read = async function* (offset: number): AsyncGenerator<Uint8Array> {
    const cut = cuts[offsets.length];
    offsets.push(offset);
    for (let at = offset; at < content.length; at += 7_000) {
      yield content.subarray(at, Math.min(at + 7_000, cut ?? content.length));
      if (cut !== undefined && at + 7_000 >= cut) throw new Error('the link broke');
    }
  };
  return { read, offsets };
}

function digestOf(content: Buffer): string {
  return `sha256-${createHash('sha256').update(content).digest('hex')}`;
}
