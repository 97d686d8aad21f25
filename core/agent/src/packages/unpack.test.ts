import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { contentDigest } from './content.ts';
import { type RawEntry, rawTarGz, sha256 } from './rawTar.fixture.ts';
import { unpackPackage, type UnpackOptions } from './unpack.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'unpack-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const product: readonly RawEntry[] = [
  { path: './product-1.0/', type: '5' },
  { path: './product-1.0/bin/start.sh', content: '#!/bin/sh\n', mode: 0o750 },
  { path: './product-1.0/lib/Outer$Inner (1).jar', content: 'jar' },
  { path: './product-1.0/README', content: 'read me', mode: 0o600 },
];

test('the single top folder is stripped and the folder appears with a record of what it is', async () => {
  const unpacked = await unpack(product);
  expect((await readdir(unpacked.path)).sort()).toEqual(['.stackyard-package.json', 'README', 'bin', 'lib']);
  expect(await readFile(join(unpacked.path, 'lib/Outer$Inner (1).jar'), 'utf8')).toBe('jar');
  expect(unpacked).toMatchObject({ files: 3, bytes: 20 });
  const record = JSON.parse(await readFile(join(unpacked.path, '.stackyard-package.json'), 'utf8')) as object;
  expect(record).toEqual({ ...unpacked, path: undefined });
  expect(await readdir(dir)).toEqual(['archive', 'package']);
});

test('modes become 0644 and 0755 whatever the archive and the umask say, setuid never', async () => {
  const before = process.umask(0o077);
  try {
    const { path } = await unpack([
      { path: 'top/suid', mode: 0o4755 },
      { path: 'top/sgid', mode: 0o2771 },
      { path: 'top/all', mode: 0o666 },
      { path: 'top/none', mode: 0 },
      { path: 'top/sticky/', type: '5', mode: 0o1777 },
    ]);
    const modes = Object.fromEntries(
      await Promise.all(['.', 'suid', 'sgid', 'all', 'none', 'sticky'].map(async (n) => [n, await modeOf(path, n)])),
    ) as object;
    expect(modes).toEqual({ '.': '755', suid: '755', sgid: '755', all: '644', none: '644', sticky: '755' });
  } finally {
    process.umask(before);
  }
});

test('relative links that stay in the package are made, also chains of them', async () => {
  const { path, files } = await unpack([
    { path: 'top/lib/libx.so.1.2', content: 'elf' },
    { path: 'top/lib/libx.so', type: '2', linkpath: 'libx.so.1' },
    { path: 'top/lib/libx.so.1', type: '2', linkpath: 'libx.so.1.2' },
    { path: 'top/bin/lib', type: '2', linkpath: '../lib' },
  ]);
  expect(files).toBe(4);
  expect(await readlink(join(path, 'lib/libx.so'))).toBe('libx.so.1');
  expect(await readFile(join(path, 'bin/lib/libx.so'), 'utf8')).toBe('elf');
});

test('a package may name its root, and what lies beside it is left out', async () => {
  const entries = [...product, { path: 'product-1.0/docs/api/index.html', content: '<p>' }];
  expect(await readdir((await unpack(entries, { root: 'product-1.0/docs' })).path)).toContain('api');
  expect(await readdir((await unpack(entries, { root: '.', into: join(dir, 'whole') })).path)).toContain('product-1.0');
});

test('an archive with several names at the top keeps them', async () => {
  const { path } = await unpack([{ path: 'a/x' }, { path: 'b', content: 'b' }]);
  expect((await readdir(path)).sort()).toEqual(['.stackyard-package.json', 'a', 'b']);
});

test('unpacking the same package again does nothing, another one into its folder is refused', async () => {
  const first = await unpack(product);
  await writeFile(join(first.path, 'mark'), '');
  expect(await unpack(product)).toEqual(first);
  expect(await readdir(first.path)).toContain('mark');
  await expect(unpack([{ path: 'other/x' }])).rejects.toMatchObject({ code: 'PACKAGE_TARGET' });
  expect(await readdir(first.path)).toContain('mark');
});

test('a folder that somebody else filled is not touched', async () => {
  await mkdir(join(dir, 'package'));
  await writeFile(join(dir, 'package', 'mine'), '');
  await expect(unpack(product)).rejects.toMatchObject({ code: 'PACKAGE_TARGET' });
  expect(await readdir(join(dir, 'package'))).toEqual(['mine']);
  expect(await readdir(dir)).toEqual(['archive', 'package']);
});

test('what an earlier try left behind is cleared away first', async () => {
  await mkdir(join(dir, 'package.unpacking/product-1.0/lib'), { recursive: true });
  await writeFile(join(dir, 'package.unpacking/product-1.0/README'), 'old');
  expect((await unpack(product)).files).toBe(3);
});

test('an archive with another digest is refused before it is parsed', async () => {
  await expect(unpack(product, { digest: sha256(Buffer.from('other')) })).rejects.toThrow(
    /^Package product 1\.0 has digest sha256-[0-9a-f]{64} instead of sha256-[0-9a-f]{64}/,
  );
  expect(await readdir(dir)).toEqual(['archive']);
});

test('a cancelled unpacking leaves nothing', async () => {
  const reason = new Error('cancelled');
  await expect(unpack(product, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(await readdir(dir)).toEqual(['archive']);
});

test('an archive that cannot be read is an error, not a refusal', async () => {
  await expect(unpack(product, { archive: join(dir, 'missing') })).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(unpack(product, { archive: dir })).rejects.toMatchObject({ code: 'EISDIR' });
});

test('the content digest is that of the sorted lines of sha256sum', () => {
  const entries = [
    { path: 'lib/b.jar', sha256: 'b'.repeat(64) },
    { path: 'lib/a.jar', sha256: 'a'.repeat(64) },
    { path: 'Z', sha256: 'c'.repeat(64) },
  ];
  // The server's test has the same line.
  expect(contentDigest(entries)).toBe('sha256-fdd3b01de8885fbea60f98021e7e7efc5b4c46fc48523e15af14eef4f1a1cda0');
});

async function unpack(entries: readonly RawEntry[], options: Partial<UnpackOptions> = {}) {
  const bytes = rawTarGz(entries);
  const archive = join(dir, 'archive');
  await writeFile(archive, bytes);
  await chmod(archive, 0o600);
  return unpackPackage({ name: 'product 1.0', archive, digest: sha256(bytes), into: join(dir, 'package'), ...options });
}

async function modeOf(path: string, name: string): Promise<string> {
  return ((await stat(join(path, name))).mode & 0o7777).toString(8);
}
