import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { list, type ReadEntry } from 'tar';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { contentDigest, readContent } from './content.ts';
import { packTarball, type PackedFile } from './tarball.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tarball-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('the same files give the same bytes, whatever their order, times and modes on disk', async () => {
  await mkdir(join(dir, 'lib'));
  const paths = Array.from({ length: 20 }, (_, n) => `lib/${n}.jar`);
  for (const path of paths) await writeFile(join(dir, path), path.repeat(5_000));
  const files = paths.map((path) => ({ path: `top/${path}`, from: join(dir, path) }));
  const first = await packTarball(join(dir, 'first'), files);
  for (const [n, path] of paths.entries()) await utimes(join(dir, path), n, n);
  const second = await packTarball(join(dir, 'second'), files.toReversed());
  expect(second).toEqual(first);
  expect(await readFile(join(dir, 'second'))).toEqual(await readFile(join(dir, 'first')));
});

test('what is packed says nothing about the machine and is read by others', async () => {
  const long = `top/${'folder/'.repeat(15)}${'n'.repeat(90)}.jar`;
  await pack([
    { path: 'top/b', from: Buffer.from('b') },
    { path: 'top/a', from: Buffer.alloc(1_024) },
    { path: 'top/run.sh', from: Buffer.from('#!/bin/sh\n'), executable: true },
    { path: long, from: Buffer.from('long') },
  ]);
  const entries: object[] = [];
  const onReadEntry = ({ path, type, mode, size, uid, gid, mtime }: ReadEntry) =>
    entries.push({ path, type, mode, size, uid, gid, mtime });
  await list({ file: join(dir, 'archive'), onReadEntry, strict: true });
  const same = { type: 'File', mode: 0o644, uid: 0, gid: 0, mtime: new Date('2020-01-01T00:00:00Z') };
  expect(entries).toEqual([
    { ...same, path: 'top/a', size: 1_024 },
    { ...same, path: 'top/b', size: 1 },
    { ...same, path: long, size: 4 },
    { ...same, path: 'top/run.sh', size: 10, mode: 0o755 },
  ]);
});

test('a path that no tar archive can hold is refused by name', async () => {
  await expect(pack([{ path: 'n'.repeat(150), from: Buffer.from('') }])).rejects.toThrow(
    /is too long for a tar archive/,
  );
});

test('the content digest is that of the sorted lines of sha256sum', () => {
  const entries = [
    { path: 'lib/b.jar', sha256: 'b'.repeat(64) },
    { path: 'lib/a.jar', sha256: 'a'.repeat(64) },
    { path: 'Z', sha256: 'c'.repeat(64) },
  ];
  // The agent's test has the same line.
  expect(contentDigest(entries)).toBe('sha256-fdd3b01de8885fbea60f98021e7e7efc5b4c46fc48523e15af14eef4f1a1cda0');
});

test('the content of an archive is its files below its root', async () => {
  await pack([
    { path: 'top/lib/a.jar', from: Buffer.from('a') },
    { path: 'top/README', from: Buffer.from('read me') },
  ]);
  const paths = async (root?: string) => (await content({ root })).entries.map(({ path }) => path);
  expect(await paths()).toEqual(['README', 'lib/a.jar']);
  expect(await paths('top/lib')).toEqual(['a.jar']);
  expect(await paths('.')).toEqual(['top/README', 'top/lib/a.jar']);
  await expect(paths('other')).rejects.toThrow('it has no file in "other"');
});

test('what is no archive is refused by name', async () => {
  await writeFile(join(dir, 'archive'), '<html>');
  await expect(content()).rejects.toThrow(
    /^The archive of package product 1\.0 cannot be used: incorrect header check/,
  );
});

test('an archive beyond the limits is refused while it is read', async () => {
  await pack(Array.from({ length: 30 }, (_, n) => ({ path: `top/${n}`, from: Buffer.alloc(10_000) })));
  await expect(content({ limits: { entries: 10, unpackedBytes: 1e9 } })).rejects.toThrow(
    'number of entries exceeds 10',
  );
  await expect(content({ limits: { entries: 99, unpackedBytes: 99 } })).rejects.toThrow('unpacked size exceeds 99');
});

async function pack(files: readonly PackedFile[]): Promise<void> {
  await packTarball(join(dir, 'archive'), files);
}

function content(options: Partial<Parameters<typeof readContent>[1]> = {}) {
  return readContent(join(dir, 'archive'), { package: 'product 1.0', ...options });
}
