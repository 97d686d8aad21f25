import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { packTarball } from '@stackyard/sdk/artifact';
import { hostileArchives } from '@stackyard/sdk/artifact/testing';
import { ArtifactError, inflateHere } from '@stackyard/sdk/artifact/unpack';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DigestMismatchError } from '../errors.ts';
import { inflateApart } from './inflate.ts';
import { ArtifactStore, readVerified, verifyArtifact } from './store.ts';

let dir = '';
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'stackyard-artifacts-'))));
afterEach(() => rm(dir, { recursive: true, force: true }));

const isRoot = process.getuid?.() === 0;
const digestOf = (bytes: Buffer): string => `sha512-${createHash('sha512').update(bytes).digest('hex')}`;
const signal = new AbortController().signal;

function storeOf(bytes: Buffer, inflate?: typeof inflateHere): ArtifactStore {
  const source = {
    async *read(_digest: string, offset: number) {
      yield bytes.subarray(offset);
    },
  };
  return new ArtifactStore(join(dir, 'artifacts'), source, inflate);
}

const good = packTarball([
  { path: 'lifecycle.mjs', content: Buffer.from('export default {};'), executable: false },
  { path: 'manifest.json', content: Buffer.from('{}'), executable: false },
  { path: 'scripts/x.sh', content: Buffer.from('echo x'), executable: true },
  { path: 'templates/deep/er/a.hbs', content: randomBytes(3_000_000), executable: false },
]);

test('an artifact is unpacked as what it is, and nobody may write to its files', async () => {
  const { artifact } = await storeOf(good).ensure(digestOf(good), signal);
  expect([...readVerified(artifact).keys()].toSorted()).toEqual([
    'lifecycle.mjs',
    'manifest.json',
    'scripts/x.sh',
    'templates/deep/er/a.hbs',
  ]);
  const modes = ['lifecycle.mjs', 'scripts/x.sh'].map(
    async (path) => (await stat(join(artifact.dir, path))).mode & 0o777,
  );
  expect(await Promise.all(modes)).toEqual([0o400, 0o500]);
  expect(await readdir(join(dir, 'artifacts'))).toHaveLength(1);
});

test('a byte that changed on the way is found before anything is unpacked', async () => {
  const bytes = Buffer.from(good);
  bytes[50] = (bytes[50] ?? 0) ^ 1;
  const store = storeOf(bytes, () => {
    throw new Error('It was unpacked.');
  });
  await expect(store.ensure(digestOf(good), signal)).rejects.toThrow(DigestMismatchError);
});

describe('what changes between two uses', () => {
  test.each([
    ['a changed file', (at: string) => change(join(at, 'lifecycle.mjs'), 'export default { evil: 1 };')],
    ['another file', (at: string) => writeFile(join(at, 'templates/more.hbs'), '')],
    ['a file that is gone', (at: string) => rm(join(at, 'scripts/x.sh'))],
  ])('%s is found by the process that is to use it', async (_, swap) => {
    const { artifact } = await storeOf(good).ensure(digestOf(good), signal);
    await verifyArtifact(artifact);
    await swap(artifact.dir);
    expect(() => readVerified(artifact)).toThrow(DigestMismatchError);
  });

  test('a file that is swapped after it was verified is not what is used', async () => {
    const { artifact } = await storeOf(good).ensure(digestOf(good), signal);
    const files = readVerified(artifact);
    await change(join(artifact.dir, 'lifecycle.mjs'), 'export default { evil: 1 };');
    expect(files.get('lifecycle.mjs')?.toString()).toBe('export default {};');
  });

  async function change(file: string, text: string): Promise<void> {
    await chmod(file, 0o600);
    await writeFile(file, text);
  }
});

describe.runIf(isRoot)('where the agent is root', () => {
  test('what inflates has no rights left when it reads the first byte', async () => {
    const { readlines, deflated } = await import('node:zlib').then(({ deflateRawSync }) => ({
      deflated: deflateRawSync(Buffer.alloc(40 * 1024 * 1024, 'x')),
      readlines: async (pid: number) => (await readFile(`/proc/${pid}/status`, 'utf8')).split('\n'),
    }));
    const pieces = inflateApart(deflated, true);
    expect((await pieces.next()).value?.length).toBeGreaterThan(0);
    const [child] = await childrenOf(process.pid);
    const lines = await readlines(child ?? 0);
    expect(lines.find((line) => line.startsWith('Uid:'))).toMatch(/^Uid:(\s+65534){4}$/);
    expect(lines.find((line) => line.startsWith('Gid:'))).toMatch(/^Gid:(\s+65534){4}$/);
    expect(lines.find((line) => line.startsWith('Groups:'))?.trim()).toBe('Groups:');
    expect(lines.find((line) => line.startsWith('CapEff:'))).toMatch(/^CapEff:\s+0+$/);
    expect(lines.find((line) => line.startsWith('NoNewPrivs:'))).toMatch(/1$/);
    await pieces.return(undefined);
    await expect.poll(() => existsSync(`/proc/${child}/exe`)).toBe(false);
  });

  test.each([
    ['damaged', (bytes: Buffer) => bytes.fill(0xff, 4, 8)],
    ['cut off', (bytes: Buffer) => bytes.subarray(0, 5)],
    ['followed by something', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('more')])],
  ])('what is %s ends in a sentence', async (_, broken) => {
    const { deflateRawSync } = await import('node:zlib');
    const deflated = broken(deflateRawSync(Buffer.from('hello, hello, hello')));
    const reading = buffer(inflateApart(deflated, true));
    await expect(reading).rejects.toThrow(/it cannot be unpacked: \w*Error: |something follows its end/);
  });

  async function childrenOf(pid: number): Promise<number[]> {
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    const pids = text.trim().split(' ').filter(Boolean).map(Number);
    const names = await Promise.all(
      pids.map(async (each) => [each, await readFile(`/proc/${each}/cmdline`, 'utf8').catch(() => '')] as const),
    );
    return names.filter(([, line]) => line.includes('createInflateRaw')).map(([each]) => each);
  }
});

test.each(hostileArchives)('$name leaves nothing on the host', async ({ bytes }) => {
  const packed = bytes();
  const store = storeOf(packed, inflateHere);
  await expect(store.ensure(digestOf(packed), signal)).rejects.toThrow(ArtifactError);
  expect(await readdir(dir)).toEqual([]);
});
