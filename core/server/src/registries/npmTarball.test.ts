import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readStackPackage } from './npmTarball.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-npm-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

interface Entry {
  readonly path: string;
  readonly content?: string;
  readonly type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'FIFO';
  readonly linkpath?: string;
}

function tar(...entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ path, content = '', type = 'File', linkpath }) => {
    const size = Buffer.byteLength(content);
    const header = new Header({ path, size, type, mode: 0o644, mtime: new Date(0), ...(linkpath && { linkpath }) });
    header.encode();
    return [header.block!, Buffer.from(content), Buffer.alloc((512 - (size % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

async function read(packed: Buffer, version?: string) {
  const file = join(dir, 'package.tgz');
  await writeFile(file, packed);
  return readStackPackage(file, { name: 'x@1.0.0', version });
}

const artifact: Entry = { path: 'package/dist/stack/x-1.0.0.tgz', content: 'the artifact' };

test('the artifact and its signatures are taken, and nothing is written', async () => {
  const packed = gzipSync(
    tar(
      { path: 'package/package.json', content: '{"scripts":{"postinstall":"true"}}' },
      artifact,
      { path: 'package/dist/stack/x-1.0.0.tgz.sig.json', content: '[]' },
      { path: 'package/dist/', type: 'Directory' },
    ),
  );
  expect(await read(packed)).toEqual({ artifact: Buffer.from('the artifact'), signatures: '[]' });
  expect(await readdir(dir)).toEqual(['package.tgz']);
});

test('signatures of something else are not taken for those of the artifact', async () => {
  const other = { path: 'package/dist/stack/y-1.0.0.tgz.sig.json', content: '[]' };
  expect(await read(gzipSync(tar(artifact, other)))).toMatchObject({ signatures: undefined });
});

test('an artifact itself is what it is', async () => {
  const packed = gzipSync(tar({ path: 'lifecycle.mjs', content: '' }, { path: 'manifest.json', content: '{}' }));
  expect(await read(packed)).toEqual({ artifact: packed, signatures: undefined });
});

test('of several artifacts the one of the version is meant; where none is known it is refused', async () => {
  const older = { path: 'package/dist/stack/x-0.9.0.tgz', content: 'old' };
  const packed = gzipSync(tar(older, artifact));
  expect((await read(packed, '1.0.0')).artifact.toString()).toBe('the artifact');
  await expect(read(packed)).rejects.toThrow('it holds 2 artifacts');
});

test.each<[string, Entry]>([
  ['a symbolic link', { path: 'package/a', type: 'SymbolicLink', linkpath: '/etc/passwd' }],
  ['a link in place of the artifact', { ...artifact, type: 'SymbolicLink', linkpath: '/etc/passwd', content: '' }],
  ['a hard link', { path: 'package/a', type: 'Link', linkpath: 'package/b' }],
  ['a device', { path: 'package/a', type: 'CharacterDevice' }],
  ['a pipe', { path: 'package/a', type: 'FIFO' }],
  ['a name that leads out', { path: 'package/../../dist/stack/x.tgz', content: 'x' }],
  ['an absolute name', { path: '/package/dist/stack/x.tgz', content: 'x' }],
  ['a name with a backslash', { path: 'package\\..\\x', content: 'x' }],
  ['the artifact twice', artifact],
])('a package with %s is refused as a whole', async (_, entry) => {
  await expect(read(gzipSync(tar(artifact, entry)))).rejects.toMatchObject({ code: 'STACK_PACKAGE' });
});

test.each<[string, Buffer]>([
  ['no archive', Buffer.from('something else')],
  ['a cut one', gzipSync(tar(artifact)).subarray(0, 60)],
  ['one that is compressed twice', gzipSync(gzipSync(tar(artifact)))],
  ['a bomb', gzipSync(Buffer.alloc(300 * 2 ** 20))],
])('%s is refused with a sentence', async (_, packed) => {
  await expect(read(packed)).rejects.toMatchObject({ code: expect.stringMatching(/^STACK_PACKAGE/) });
});

test('a package without an artifact says what its author has to do', async () => {
  await expect(read(gzipSync(tar({ path: 'package/package.json', content: '{}' })))).rejects.toThrow(
    'stackyard stack build',
  );
});
