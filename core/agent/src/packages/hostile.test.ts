import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PackageRefusedError } from './errors.ts';
import { pax, type RawEntry, rawTar, rawTarGz, sha256 } from './rawTar.fixture.ts';
import { unpackPackage, type UnpackOptions } from './unpack.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'unpack-hostile-'));
  await writeFile(join(dir, 'canary'), 'alive');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const good: RawEntry = { path: 'top/good.txt', content: 'good' };
const link = (path: string, linkpath: string): RawEntry => ({ path, type: '2', linkpath });
const folder = (path: string): RawEntry => ({ path, type: '5' });

/** What is in the archive, and the sentence's part that names it. */
const hostile: Record<string, { entries: readonly RawEntry[]; says: RegExp } & Partial<UnpackOptions>> = {
  'an absolute path': { entries: [{ path: '/tmp/evil' }], says: /\/tmp\/evil: is an absolute path/ },
  'a path with ..': { entries: [{ path: '../evil' }], says: /\.\.\/evil: leads out/ },
  'a path with .. further on': { entries: [{ path: 'top/a/../../../evil' }], says: /leads out/ },
  'an absolute path in a pax header': { entries: [pax({ path: '/evil' }), { path: 'top/a' }], says: /absolute path/ },
  '.. in a pax header': { entries: [pax({ path: 'top/../../evil' }), { path: 'top/a' }], says: /leads out/ },
  'a symbolic link to an absolute path': {
    entries: [link('top/l', '/etc/passwd')],
    says: /top\/l: is a symbolic link out/,
  },
  'a symbolic link upwards': { entries: [link('top/l', '../../canary')], says: /symbolic link out/ },
  'a symbolic link out of the root only': { entries: [link('top/l', '../top')], says: /symbolic link out/ },
  'a link with .. in the middle': {
    entries: [folder('top/a'), link('top/l', 'a/../../canary')],
    says: /symbolic link out/,
  },
  'a link through another link': {
    entries: [folder('top/p/q/r'), link('top/p/q/r/up', '../../..'), link('top/l', 'p/q/r/up/x')],
    says: /symbolic link/,
  },
  'a link through a link that is a folder elsewhere': {
    entries: [folder('top/a'), { path: 'top/a/f' }, link('top/b', 'a'), link('top/c', 'b/f')],
    says: /top\/c: is a symbolic link through/,
  },
  'a dangling link': { entries: [link('top/l', 'nothing')], says: /symbolic link to nothing/ },
  'links in a circle': { entries: [link('top/a', 'b'), link('top/b', 'a')], says: /in a circle/ },
  'a file behind a symbolic link': {
    entries: [link('top/l', '../..'), { path: 'top/l/evil', content: 'x' }],
    says: /top\/l\/evil: lies in top\/l, which is no folder/,
  },
  'a file over a symbolic link': {
    entries: [link('top/l', '../canary'), { path: 'top/l', content: 'x' }],
    says: /top\/l: is there twice/,
  },
  'a symbolic link where none is wanted': {
    entries: [link('top/l', 'good.txt')],
    symlinks: 'refuse',
    says: /top\/l: is a symbolic link/,
  },
  'a hard link': { entries: [{ path: 'top/l', type: '1', linkpath: 'top/good.txt' }], says: /is a Link/ },
  'a hard link to the system': { entries: [{ path: 'top/l', type: '1', linkpath: '/etc/passwd' }], says: /is a Link/ },
  'a character device': { entries: [{ path: 'top/tty', type: '3' }], says: /is a CharacterDevice/ },
  'a block device': { entries: [{ path: 'top/sda', type: '4' }], says: /is a BlockDevice/ },
  'a named pipe': { entries: [{ path: 'top/pipe', type: '6' }], says: /is a FIFO/ },
  'a sparse file': { entries: [{ path: 'top/sparse', type: 'S' }], says: /not understood|is a/ },
  'a type nobody knows': { entries: [{ path: 'top/odd', type: 'Q' }], says: /no proper tar|not understood|is a/ },
  'a name twice': { entries: [good], says: /good\.txt: is there twice/ },
  'names that differ by case': {
    entries: [{ path: 'top/GOOD.txt' }],
    says: /differs from top\/good\.txt only by case/,
  },
  'folders that differ by case': { entries: [{ path: 'TOP/x' }], says: /differs from top only by case/ },
  'names that differ by composition': {
    entries: [{ path: 'top/\u00E9' }, { path: 'top/e\u0301' }],
    says: /only by case or composition/,
  },
  'a folder where a file is': { entries: [folder('top/good.txt')], says: /is there twice|only by case/ },
  'a file in a file': { entries: [{ path: 'top/good.txt/x' }], says: /which is no folder/ },
  'a line break in a name': { entries: [{ path: 'top/a\nb' }], says: /a\\nb: has a name that is not allowed/ },
  'an escape sequence in a name': { entries: [{ path: 'top/\u001B[31m' }], says: /not allowed/ },
  'a backslash in a name': { entries: [{ path: 'top\\..\\evil' }], says: /not allowed/ },
  'a name from right to left': { entries: [{ path: 'top/\u202Egpj.sh' }], says: /not allowed/ },
  'an empty part of a path': { entries: [{ path: 'top//x' }], says: /not allowed/ },
  'a part that is a dot': { entries: [{ path: 'top/./x' }], says: /not allowed/ },
  'a name too long': { entries: [{ path: `top/${'n'.repeat(256)}` }], says: /longer than 255 bytes/ },
  'a path too long': { entries: [{ path: `top/${`${'n'.repeat(200)}/`.repeat(6)}x` }], says: /longer than 1024 bytes/ },
  'a path too deep': { entries: [{ path: `top/${'d/'.repeat(40)}x` }], says: /deeper than 32 folders/ },
  'too many entries': {
    entries: Array.from({ length: 60 }, (_, n) => ({ path: `top/${n}` })),
    limits: { entries: 50 },
    says: /more than 50 entries/,
  },
  'too many folders': {
    entries: Array.from({ length: 5_000 }, (_, n) => folder(`top/${n}`)),
    limits: { entries: 50 },
    says: /more than 50 entries/,
  },
  'too much when unpacked': {
    entries: [{ path: 'top/big', content: randomBytes(200_000) }],
    limits: { unpackedBytes: 100_000 },
    says: /more than 100000 bytes/,
  },
  'a bomb': {
    entries: [{ path: 'top/zeros', content: Buffer.alloc(32 * 2 ** 20) }],
    says: /more than 100 times its size/,
  },
  'too much when packed': { entries: [], limits: { compressedBytes: 10 }, says: /larger than 10 bytes/ },
  'a size the content does not have': { entries: [{ path: 'top/short', size: 10_000 }], says: /no proper tar/ },
  'a checksum that is wrong': { entries: [{ path: 'top/x', checksum: 1 }], says: /no proper tar/ },
  'our own record': { entries: [{ path: 'top/.stackyard-package.json', content: '{}' }], says: /reserved name/ },
  'no such root': { entries: [], root: 'elsewhere', says: /elsewhere: is not the folder/ },
};

for (const [what, { entries, says, ...options }] of Object.entries(hostile)) {
  test(`an archive with ${what} is refused, and nothing of it stays`, async () => {
    const error = await unpackRefused(rawTarGz([good, ...entries]), options);
    expect(error.code).toBe('PACKAGE_REFUSED');
    expect(error.message).toMatch(says);
    expect(error.message).not.toMatch(/\p{Cc}/u);
  });
}

const malformed: Record<string, Buffer> = {
  'no archive': Buffer.from('<html>not found</html>'),
  'an empty file': Buffer.alloc(0),
  'a tar archive that is not compressed': rawTar([good]),
  'a compressed nothing': gzipSync(''),
  'an archive without files': rawTarGz([folder('top')]),
  'an archive compressed twice': gzipSync(rawTarGz([good])),
  'half a compressed archive': rawTarGz([{ path: 'top/x', content: randomBytes(50_000) }]).subarray(0, 30_000),
};
for (const [what, bytes] of Object.entries(malformed)) {
  test(`${what} is refused`, async () => {
    expect((await unpackRefused(bytes)).code).toBe('PACKAGE_REFUSED');
  });
}

test('every refused entry is listed, the first five by name', async () => {
  const entries = Array.from({ length: 9 }, (_, n) => ({ path: `top/dev${n}`, type: '3' }));
  const error = await unpackRefused(rawTarGz(entries));
  expect(error.refusals).toHaveLength(9);
  expect(error.message).toContain('top/dev4');
  expect(error.message).toContain('and 4 more');
});

test('whatever the entries are, an archive is unpacked inside its folder or refused', async () => {
  const part = fc.constantFrom('a', 'b', 'A', '..', '.', '', 'e\u0301', '\u00E9', 'c d', 'x\u0000y');
  const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  const entry = fc.record({
    path,
    type: fc.constantFrom('0', '0', '0', '1', '2', '2', '5', '5', '3', '6', 'x', 'g', 'L', 'K'),
    linkpath: path,
    content: fc.constantFrom('', 'some content'),
    mode: fc.constantFrom(0o644, 0o4755, 0o2777, 0o000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 6 }), async (entries) => {
      const bytes = rawTarGz(entries.filter((each) => each.path !== '' && !each.path.includes('\0')));
      await writeFile(join(dir, 'archive'), bytes);
      const into = join(dir, 'package');
      await unpackPackage({ name: 'x 1', archive: join(dir, 'archive'), digest: sha256(bytes), into }).catch((error) =>
        expect((error as PackageRefusedError).code).toBe('PACKAGE_REFUSED'),
      );
      expect((await readdir(dir)).filter((name) => name !== 'package')).toEqual(['archive', 'canary']);
      expect(await readFile(join(dir, 'canary'), 'utf8')).toBe('alive');
      await rm(into, { recursive: true, force: true });
    }),
    { numRuns: 150 },
  );
});

async function unpackRefused(bytes: Buffer, options: Partial<UnpackOptions> = {}): Promise<PackageRefusedError> {
  await writeFile(join(dir, 'archive'), bytes);
  const error = await unpackPackage({
    name: 'evil 1.0',
    archive: join(dir, 'archive'),
    digest: sha256(bytes),
    into: join(dir, 'package'),
    ...options,
  }).then(
    () => expect.unreachable('it was unpacked'),
    (reason: unknown) => reason as PackageRefusedError,
  );
  expect(await readdir(dir)).toEqual(['archive', 'canary']);
  expect(await readFile(join(dir, 'canary'), 'utf8')).toBe('alive');
  return error;
}
