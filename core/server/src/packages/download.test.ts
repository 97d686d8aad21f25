import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { download, type DownloadOptions } from './download.ts';
import { type OriginBehaviour, sha512, startOrigin } from './origin.fixture.ts';

// Large against the buffers on the way, whose bytes a cut connection loses.
const content = randomBytes(6_000_000);
const limits = { connectTimeoutMs: 1_000, idleTimeoutMs: 5_000, redirects: 3, maxBytes: 10_000_000 };
const stops: (() => Promise<void>)[] = [];
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'origin-'));
});
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
  await rm(dir, { recursive: true, force: true });
});

test('a file is fetched, its checksum compared, its progress told', async () => {
  const origin = await serve();
  const seen: (number | undefined)[][] = [];
  const file = await get(origin.url, { onBytes: (bytes, total) => seen.push([bytes, total]) });
  expect(content.equals(await readFile(file))).toBe(true);
  expect(seen.at(-1)).toEqual([content.length, content.length]);
  expect(await readdir(dir)).toEqual(['part']);
});

test('a connection cut midway goes on from where it stood, if the file is still the same one', async () => {
  const origin = await serve({ cuts: [2_000_000, 1_000_000] });
  expect(content.equals(await readFile(await get(origin.url)))).toBe(true);
  expect(origin.requests).toHaveLength(3);
  const starts = origin.requests.map(({ range }) => Number(/\d+/.exec(range ?? '0')?.[0]));
  expect(starts).toEqual([0, expect.any(Number), expect.any(Number)]);
  expect(starts).toEqual(starts.toSorted((a, b) => a - b));
  expect(starts[1]).toBeGreaterThan(0);
  expect(origin.requests.slice(1).map(({ ifRange }) => ifRange)).toEqual(['"v1"', '"v1"']);
});

test('what broke off for good is resumed by the next call', async () => {
  const cuts = [3_000_000, 0, 0, 0, 0];
  const origin = await serve({ cuts });
  await expect(get(origin.url)).rejects.toThrow(/broke off again and again \(.+\)\. \d+ bytes are kept; try again/);
  expect(cuts).toEqual([]);
  const kept = (await readFile(join(dir, 'part'))).length;
  expect(kept).toBeGreaterThan(0);
  expect(content.equals(await readFile(await get(origin.url)))).toBe(true);
  expect(origin.requests.at(-1)).toEqual({ range: `bytes=${kept}-`, ifRange: '"v1"' });
});

test('an origin without ranges, or with a new file, begins again', async () => {
  for (const behaviour of [{ ranges: false }, { etag: '"v2"' }]) {
    await writeFile(join(dir, 'part'), content.subarray(0, 1_000));
    await writeFile(join(dir, 'part.validator'), '"v1"');
    expect(content.equals(await readFile(await get((await serve(behaviour)).url)))).toBe(true);
  }
});

test('a damaged partial file is noticed by the checksum and fetched anew', async () => {
  await writeFile(join(dir, 'part'), Buffer.alloc(1_000));
  const origin = await serve();
  expect(content.equals(await readFile(await get(origin.url)))).toBe(true);
  expect(origin.requests).toEqual([{ range: 'bytes=1000-' }, {}]);
});

test('a wrong checksum is refused with package, address, expected and actual, and nothing is kept', async () => {
  const { url } = await serve();
  const expected = 'a'.repeat(128);
  await expect(get(url.replace('//', '//user:secret@'), { sha512: expected })).rejects.toThrow(
    `Package product 1.0 from ${url} is refused: its sha512 is ${sha512(content)}, expected is ${expected}.`,
  );
  expect((await readdir(dir)).filter((name) => name === 'part')).toEqual([]);
});

test('a redirect is followed, but not for ever and not to files', async () => {
  const { url } = await serve();
  const to = async (location: string) =>
    (await serve({ answer: (_, response) => response.writeHead(302, { location }).end() })).url;
  expect(content.equals(await readFile(await get(await to(url))))).toBe(true);
  await rm(join(dir, 'part'));
  await expect(get(await to('/round'))).rejects.toThrow('redirects more than 3 times');
  await expect(get(await to('file:///etc/passwd'))).rejects.toThrow('redirects to file:');
});

test('an answer that is no file is refused at once, an overloaded origin asked again', async () => {
  const status = (code: number) => serve({ answer: (_, response) => response.writeHead(code).end() });
  const missing = await status(404);
  await expect(get(missing.url)).rejects.toThrow(/answers 404\. Check whether the version still exists there/);
  expect(missing.requests).toHaveLength(1);
  const busy = await status(503);
  await expect(get(busy.url)).rejects.toThrow('the origin answers 503');
  expect(busy.requests.length).toBeGreaterThan(1);
});

test('more than the limit is refused, announced or not', async () => {
  const small = { limits: { ...limits, maxBytes: 1_000 } };
  await expect(get((await serve()).url, small)).rejects.toThrow('its size in bytes exceeds 1000');
  const endless = await serve({ answer: (_, response) => void response.write(content) });
  await expect(get(endless.url, small)).rejects.toThrow('its size in bytes exceeds 1000');
});

test('an origin that nobody answers for is unreachable, within the time to connect', async () => {
  const origin = await startOrigin(content);
  await origin.stop();
  await expect(get(origin.url)).rejects.toMatchObject({ code: 'PACKAGE_UNREACHABLE' });
  await expect(get('http://no-such-host.invalid/x')).rejects.toThrow(
    /there is no way to http:\/\/no-such-host\.invalid\/x/,
  );
});

test('an origin that stops sending is left after the idle time', async () => {
  const origin = await serve({
    answer: (_, response) =>
      void response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 9)),
  });
  await expect(get(origin.url, { limits: { ...limits, idleTimeoutMs: 100 } })).rejects.toThrow('no data in time');
});

test('a cancelled download stops and keeps what it has', async () => {
  const origin = await serve({
    answer: (_, response) =>
      void response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 9)),
  });
  const abort = new AbortController();
  await expect(get(origin.url, { signal: abort.signal, onBytes: () => abort.abort() })).rejects.toMatchObject({
    name: 'AbortError',
  });
  expect((await readFile(join(dir, 'part'))).length).toBe(9);
});

test('a full disk stays what it is, for whoever names it', async () => {
  await symlink('/dev/full', join(dir, 'part'));
  await expect(get((await serve()).url)).rejects.toMatchObject({ code: 'ENOSPC' });
});

async function serve(behaviour?: OriginBehaviour) {
  const origin = await startOrigin(content, behaviour);
  stops.push(origin.stop);
  return origin;
}

function get(url: string, options: Partial<DownloadOptions> = {}): Promise<string> {
  return download({
    package: 'product 1.0',
    url,
    sha512: sha512(content),
    file: join(dir, 'part'),
    limits,
    signal: new AbortController().signal,
    ...options,
  });
}
