import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { readZip, type ZipLimits, zipLimits } from './zip.ts';

const dir = await mkdtemp(join(tmpdir(), 'stackyard-zip-'));
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A file of a zip, with whatever a hostile author writes instead of the truth. */
interface Made {
  readonly path: string;
  readonly content?: string | Buffer;
  readonly mode?: number;
  readonly method?: number;
  readonly flags?: number;
  readonly says?: { size?: number; compressed?: number; crc?: number; offset?: number; local?: string };
  /** Bytes between the name in the local header and the content. */
  readonly extra?: number;
}

function zipOf(files: readonly Made[], { comment = '', count = files.length } = {}): Buffer {
  const bodies: Buffer[] = [];
  const lines: Buffer[] = [];
  let at = 0;
  for (const { path, content = '', mode = 0o100644, method = 8, flags = 0, says = {}, extra = 0 } of files) {
    const bytes = Buffer.from(content);
    const packed = method === 8 ? deflateRawSync(bytes) : bytes;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    const called = Buffer.from(says.local ?? path);
    local.writeUInt16LE(called.length, 26);
    local.writeUInt16LE(extra, 28);
    bodies.push(local, called, packed);
    const line = Buffer.alloc(46);
    line.writeUInt32LE(0x02014b50, 0);
    line.writeUInt8(3, 5);
    line.writeUInt16LE(flags, 8);
    line.writeUInt16LE(method, 10);
    line.writeUInt32LE(says.crc ?? crc32(bytes), 16);
    line.writeUInt32LE(says.compressed ?? packed.length, 20);
    line.writeUInt32LE(says.size ?? bytes.length, 24);
    line.writeUInt16LE(Buffer.byteLength(path), 28);
    line.writeUInt16LE(mode, 40);
    line.writeUInt32LE(says.offset ?? at, 42);
    lines.push(line, Buffer.from(path));
    at += local.length + called.length + packed.length;
  }
  const directory = Buffer.concat(lines);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...bodies, directory, end, Buffer.from(comment)]);
}

let written = 0;
/** Everything in a zip, by path. */
async function unpack(zip: Buffer, limits: Partial<ZipLimits> = {}): Promise<Record<string, string>> {
  const path = join(dir, String(++written));
  await writeFile(path, zip);
  const handle = await open(path, 'r');
  try {
    const found: Record<string, string> = {};
    for (const entry of await readZip(handle, { ...zipLimits, ...limits })) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry.content()) chunks.push(chunk);
      found[entry.path] = `${entry.executable ? 'x ' : ''}${Buffer.concat(chunks).toString()}`;
    }
    return found;
  } finally {
    await handle.close();
  }
}

test('files come out whole, stored or deflated, with the mark of a program', async () => {
  const files = [
    { path: 'jre/', mode: 0o040755 },
    { path: 'jre/bin/java', content: 'program', mode: 0o100755 },
    { path: 'jre/release', content: 'JAVA_VERSION="21"', method: 0 },
    { path: 'jre/empty', method: 0 },
  ];
  const expected = { 'jre/bin/java': 'x program', 'jre/release': 'JAVA_VERSION="21"', 'jre/empty': '' };
  expect(await unpack(zipOf(files))).toEqual(expected);
  expect(await unpack(zipOf(files, { comment: 'of a wheel' }))).toEqual(expected);
});

const bomb = { path: 'zeros', content: Buffer.alloc(4 * 2 ** 20) };
const one = { path: 'a', content: 'aaaa' };

test.each<[string, readonly Made[], string]>([
  ['leads out of the folder', [{ path: '../etc/passwd' }], 'invalid relative path: ../etc/passwd'],
  ['leads out further down', [{ path: 'a/../../b' }], 'invalid relative path: a/../../b'],
  ['is absolute', [{ path: '/etc/passwd' }], 'absolute path: /etc/passwd'],
  ['has the separators of another system', [{ path: 'a\\b' }], 'invalid characters in fileName'],
  ['hides a control character', [{ path: 'a\u0000b' }], 'is a name that is not allowed'],
  ['is longer than any', [{ path: 'a'.repeat(300) }], 'is a path longer than 230 bytes'],
  ['is a symbolic link', [{ path: 'link', content: '/etc', mode: 0o120777 }], 'is neither a file nor a folder'],
  ['is a device', [{ path: 'tty', mode: 0o020666 }], 'is neither a file nor a folder'],
  ['is there twice', [one, one], 'a is there twice'],
  ['differs only by case', [one, { path: 'A' }], 'A is there twice'],
  ['is a file and a folder', [one, { path: 'a/b' }], 'a/b lies in a file'],
  ['is encrypted', [{ ...one, flags: 1 }], 'a is encrypted'],
  ['is compressed in another way', [{ ...one, method: 12 }], 'is compressed in a way that is not known'],
  ['is a bomb', [bomb], 'unpacks to more than 100 times its size'],
  ['is a bomb that lies', [{ ...bomb, says: { size: 1000 } }], 'zeros cannot be unpacked (too many bytes'],
  ['shares its bytes', [one, { path: 'b', content: 'aaaa', says: { offset: 0, local: 'a' } }], 'a shares its bytes'],
  [
    'reaches into the next one',
    [
      { ...one, extra: 40 },
      { path: 'b', content: 'b' },
    ],
    'a shares its bytes',
  ],
  ['reaches into the directory', [{ ...one, says: { compressed: 900 } }], 'a cannot be unpacked (file data overflows'],
  ['is called otherwise inside', [{ ...one, says: { local: 'b' } }], 'a is called otherwise where its bytes are'],
  ['has another checksum', [{ ...one, says: { crc: 7 } }], 'a is damaged'],
  ['is shorter than it says', [{ ...one, says: { size: 9 } }], 'a cannot be unpacked (not enough bytes'],
])('a file that %s is refused', async (_, files, reason) => {
  await expect(unpack(zipOf(files))).rejects.toThrow(reason);
});

test('what is damaged, cut off or of another kind is refused with what is wrong', async () => {
  const zip = zipOf([one]);
  await expect(unpack(zip.subarray(0, -1))).rejects.toThrow('it cannot be read as a zip');
  await expect(unpack(Buffer.alloc(0))).rejects.toThrow('it cannot be read as a zip');
  await expect(unpack(Buffer.concat([Buffer.from('MZ'), zip]))).rejects.toThrow('its directory is not to be trusted');
  await expect(unpack(zipOf([one], { count: 2 }))).rejects.toThrow('its directory is not to be trusted');
  await expect(unpack(zipOf([one], { count: 0xffff }))).rejects.toThrow('more than 20000 entries');
  await expect(unpack(zipOf([one, { path: 'b' }]), { entries: 1 })).rejects.toThrow('more than 1 entries');
  await expect(unpack(zipOf([one]), { unpackedBytes: 3 })).rejects.toThrow('unpacks to more than 3 bytes');
});
