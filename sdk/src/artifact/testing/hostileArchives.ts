import { deflateRawSync, gzipSync } from 'node:zlib';
import { gzip } from '../gzip.ts';
import { packTarball } from '../tarball.ts';
import { END, paxRecord, type RawEntry, rawEntry, rawTar } from './rawTar.ts';

/** An archive that must not be used: nothing of it may reach a disk, and reading it costs little. */
export interface HostileArchive {
  readonly name: string;
  /** Made when it is needed: some are large. */
  readonly bytes: () => Buffer;
}

const MiB = 1024 * 1024;
const ok: RawEntry = { path: 'a', content: 'x' };
const tar = (name: string, ...entries: readonly RawEntry[]): HostileArchive => ({
  name,
  bytes: () => gzip(rawTar(...entries)),
});
const file = (name: string, path: string | Buffer, more: Partial<RawEntry> = {}): HostileArchive =>
  tar(name, { ...ok, path, ...more });

/** What a tar can hold besides files; '1' to '7' of POSIX, and letters of its descendants. */
const types = Object.entries({
  'hard link': '1',
  'symbolic link': '2',
  'character device': '3',
  'block device': '4',
  folder: '5',
  fifo: '6',
  'contiguous file': '7',
  'ACL of Solaris': 'A',
  'GNU dump directory': 'D',
  'extended attribute of Solaris': 'E',
  'inode of Solaris': 'I',
  'GNU long link': 'K',
  'GNU long name': 'L',
  'GNU continued file': 'M',
  'GNU old long name': 'N',
  'GNU sparse file': 'S',
  'GNU volume header': 'V',
  'PAX of Solaris': 'X',
  'PAX of one entry': 'x',
  'PAX of all entries': 'g',
  'a type of nobody': 'z',
  'a type that is no letter': '\u00ff',
  'an old file': '\0',
}).flatMap(([name, type]) => [
  file(`a ${name}`, 'a', { type, link: '/etc/passwd' }),
  tar(`a ${name} after a file`, ok, { path: 'b', type, link: '../../etc/passwd', content: '' }),
]);

/** Links that lead somewhere, and files behind them. */
const links = ['/etc/passwd', '../../../etc/passwd', 'a', '.', '..', '/', '/proc/self/root', 'C:\\Windows', ''].flatMap(
  (link) => [
    tar(
      `a symbolic link to ${JSON.stringify(link)} and a file behind it`,
      { path: 'd', type: '2', link, content: '' },
      { ...ok, path: 'd/x' },
    ),
    tar(
      `a hard link to ${JSON.stringify(link)} and a file in its place`,
      { path: 'd', type: '1', link, content: '' },
      { ...ok, path: 'd' },
    ),
  ],
);

/** Ways out, and names that mean something elsewhere. */
const paths = [
  '../a',
  '../../../../tmp/a',
  'a/../../b',
  'a/..',
  '..',
  '.',
  './a',
  'a/./b',
  'a//b',
  '/a',
  '//a',
  '/etc/passwd',
  '\\a',
  '..\\a',
  'a\\..\\..\\b',
  'C:\\a',
  'C:a',
  '\\\\host\\share\\a',
  '\\\\?\\C:\\a',
  'file:///etc/passwd',
  '%2e%2e/a',
  '..%2fa',
  '%2e%2e%2fa',
  '..%c0%afa',
  '..%252fa',
  '\u2025/a',
  '\uff0e\uff0e/a',
  '..\uff0fa',
  '..\u2215a',
  '..\u2044a',
  '..;/a',
  '~/a',
  '~root/a',
  '$HOME/a',
  '`id`',
  '$(id)',
  'a;b',
  'a|b',
  'a&b',
  'a\nb',
  'a\rb',
  'a\tb',
  'a\u0007',
  '\u001b[2Ja',
  'a\u202eb',
  'a\u200bb',
  'a\ufeff',
  '\u0430',
  'e\u0301',
  '\u00e9',
  'a b',
  ' a',
  'a ',
  '-rf',
  '--help',
  '.a',
  '.git/config',
  '.npmrc',
  '.stackyard-artifact.json',
  'templates/.hidden',
  'a.',
  'a..',
  'a/.',
  'a/',
  '',
  '*',
  '?',
  '"',
  "'",
  '<a>',
  'a:b',
  'a::$DATA',
  'con',
  'CON',
  'nul.txt',
  'aux',
  'prn',
  'com1',
  'lpt9.hbs',
  'templates/NUL',
  '__proto__',
  'templates/__proto__',
  '__proto__/a',
  `${'d/'.repeat(12)}a`,
  `${'d/'.repeat(45)}a`,
].map((path) => file(`the path ${JSON.stringify(path)}`, path));

const longPaths = [
  file('a path beyond the limit by its prefix', 'x'.repeat(99), { prefix: 'y'.repeat(120) }),
  file('a way out by its prefix', 'a', { prefix: '../..' }),
  file('an absolute path by its prefix', 'a', { prefix: '/etc' }),
  file('a prefix that is empty but for a dot', 'a', { prefix: '.' }),
  file('a name that fills its field with slashes', '/'.repeat(100)),
];

/** Bytes that are no UTF-8, or that hide the rest of a name. */
const bytesOfPaths = Object.entries({
  'an overlong slash': [0x2e, 0x2e, 0xc0, 0xaf, 0x61],
  'an overlong dot': [0xc0, 0xae, 0xc0, 0xae, 0x2f, 0x61],
  'a lone continuation': [0x80],
  'a cut sequence': [0x61, 0xe2, 0x82],
  'a surrogate': [0xed, 0xa0, 0x80],
  'bytes of Latin-1': [0x61, 0xe9],
  'a byte that never is': [0xff, 0xfe],
  'something behind a zero': [0x61, 0x00, 0x2f, 0x2e, 0x2e],
  'a zero first': [0x00, 0x61],
}).map(([name, bytes]) => file(`a name with ${name}`, Buffer.from(bytes)));

const modes = [
  '004755 ',
  '002755 ',
  '001777 ',
  '007777 ',
  '000777 ',
  '000666 ',
  '000000 ',
  '000600 ',
  '177777 ',
  '-00644 ',
  '      ',
  '999999 ',
].map((mode) => file(`the mode ${JSON.stringify(mode)}`, 'a', { mode }));

const fields = [
  file('an owner', 'a', { uid: '001750 ' }),
  file('another time', 'a', { mtime: '00000000000' }),
  file('a time in the future', 'a', { mtime: '77777777777' }),
  file('a target of a link although it is a file', 'a', { link: '/etc/passwd' }),
  file('the number of a device', 'a', { device: '000001 ' }),
  file('the magic of GNU', 'a', { magic: 'ustar  \0' }),
  file('no magic', 'a', { magic: '\0\0\0\0\0\0\0\0' }),
  file('another version of ustar', 'a', { magic: 'ustar\u000099' }),
  ...['0', '7777777', 'abc', '', '      '].map((checksum) =>
    file(`the checksum ${JSON.stringify(checksum)}`, 'a', { checksum }),
  ),
  file('something behind its content', 'a', { padding: Buffer.alloc(511, 'x') }),
];

const base256 = (first: number, rest: number): Buffer => Buffer.concat([Buffer.from([first]), Buffer.alloc(11, rest)]);
const sizes = Object.entries({
  'of more than there is': '0000001130 ',
  'of nothing although there is something': '0000000000 ',
  'that is negative': '-000000001 ',
  'of 1 GiB': '7777777777 ',
  'of 64 GiB': '777777777777',
  'that is no number': 'abcdefghij ',
  'with digits that are not octal': '0000000009 ',
  'that is empty': '\0\0\0\0\0\0\0\0\0\0\0\0',
  'in hexadecimal': '0x00000001 ',
  'with a sign': '+000000001 ',
  'in base 256, largest': base256(0x80, 0xff),
  'in base 256, negative': base256(0xff, 0xff),
  'in base 256, smallest': base256(0xff, 0x00),
  'in base 256, which is one': Buffer.concat([Buffer.from([0x80]), Buffer.alloc(10), Buffer.from([1])]),
}).map(([name, size]) => file(`a size ${name}`, 'a', { size }));

const pax = (name: string, content: Buffer): HostileArchive[] => [
  tar(`a PAX header with ${name}`, { path: 'PaxHeader/a', type: 'x', content }, ok),
  tar(`a PAX header of all with ${name}`, { path: 'PaxHeader/a', type: 'g', content }, ok),
];
const extensions = [
  ...pax('another path', paxRecord('path', '../../etc/passwd')),
  ...pax('a target', paxRecord('linkpath', '/etc/passwd')),
  ...pax('a size', paxRecord('size', '1000000000000')),
  ...pax('a negative size', paxRecord('size', '-1')),
  ...pax('a zero in a name', paxRecord('path', 'a\0../b')),
  ...pax('a zero in a key', paxRecord('pa\0th', 'b')),
  ...pax('a length that lies', paxRecord('path', 'b', 9999)),
  ...pax('a length of zero', paxRecord('path', 'b', 0)),
  ...pax('the prototype', paxRecord('__proto__', 'b')),
  ...pax('its constructor', paxRecord('constructor.prototype', 'b')),
  ...pax(
    'a sparse file',
    Buffer.concat([paxRecord('GNU.sparse.major', '1'), paxRecord('GNU.sparse.realsize', '99999999999')]),
  ),
  ...pax('a megabyte of comment', paxRecord('comment', 'x'.repeat(MiB))),
  ...pax('another character set', paxRecord('hdrcharset', 'BINARY')),
  tar('a GNU long name that leads out', { path: '././@LongLink', type: 'L', content: '../../etc/passwd\0' }, ok),
  tar('a GNU long name of a megabyte', { path: '././@LongLink', type: 'L', content: 'x'.repeat(MiB) }, ok),
  tar('a GNU long target', { path: '././@LongLink', type: 'K', content: '/etc/passwd\0' }, ok),
  tar(
    'PAX headers without an entry',
    ...Array.from({ length: 5_000 }, (): RawEntry => ({ path: 'p', type: 'x', content: '' })),
  ),
];

const doubles = [
  tar('the same name twice', ok, ok),
  tar('a name in both cases', ok, { ...ok, path: 'A' }),
  tar('a folder in both cases', { ...ok, path: 'd/a' }, { ...ok, path: 'D/A' }),
  tar('a file that is a folder too', ok, { ...ok, path: 'a/b' }),
  tar('a folder that is a file too', { ...ok, path: 'a/b' }, ok),
  tar('a file that is a folder too, in both cases', { ...ok, path: 'D' }, { ...ok, path: 'd/b' }),
];

const good = (): Buffer => packTarball([{ path: 'manifest.json', content: Buffer.from('{}'), executable: false }]);
const plain = (): Buffer => rawTar(ok);
const zeros = (megabytes: number): Buffer => Buffer.alloc(megabytes * MiB);

const bombs: HostileArchive[] = [
  { name: 'a file of zeros of 65 MiB', bytes: () => gzip(rawTar({ path: 'a', content: zeros(65) })) },
  { name: 'a file of zeros of 32 MiB', bytes: () => gzip(rawTar({ path: 'a', content: zeros(32) })) },
  { name: 'zeros only', bytes: () => gzip(zeros(65)) },
  { name: 'zeros behind its end', bytes: () => gzip(Buffer.concat([plain(), zeros(8)])) },
  {
    name: 'a hundred thousand files',
    bytes: () => gzip(rawTar(...Array.from({ length: 100_000 }, (_, n): RawEntry => ({ path: `f${n}`, content: '' })))),
  },
  {
    name: 'a few more files than may be',
    bytes: () => gzip(rawTar(...Array.from({ length: 2_001 }, (_, n): RawEntry => ({ path: `f${n}`, content: '' })))),
  },
  { name: 'an archive in an archive', bytes: () => gzipSync(gzipSync(zeros(8))) },
  {
    name: 'a manifest of 65 MiB',
    bytes: () => gzip(rawTar({ path: 'manifest.json', content: `{"a":"${'x'.repeat(65 * MiB)}"}` })),
  },
];

const manifest = (name: string, content: string | Buffer): HostileArchive => ({
  name: `a manifest ${name}`,
  bytes: () => packTarball([{ path: 'manifest.json', content: Buffer.from(content), executable: false }]),
});
/** Archives that are well made, around a manifest that is not. */
export const hostileManifests: readonly HostileArchive[] = [
  manifest('that is nested 100,000 deep in lists', '['.repeat(100_000)),
  manifest('that is nested 100,000 deep and closed', `${'['.repeat(100_000)}${']'.repeat(100_000)}`),
  manifest('that is nested 10,000 deep in objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`),
  manifest('with a prototype', '{"__proto__":{"isAdmin":true}}'),
  manifest('with a prototype in a service', '{"services":[{"__proto__":{}}]}'),
  manifest('with a spelled prototype', '{"__pro\\u0074o__":{}}'),
  manifest('with a constructor', '{"constructor":{"prototype":{"isAdmin":true}}}'),
  manifest('that is no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])),
  manifest('in UTF-16', Buffer.from('{}', 'utf16le')),
  manifest('with a byte order mark', '\ufeff{}'),
  manifest('that is empty', ''),
  manifest('that is a number', '1'),
  manifest('that is null', 'null'),
  manifest('that is a list', '[]'),
  manifest('with a number beyond all', '{"format":1e400}'),
  manifest('of another format', '{"format":2}'),
  { name: 'no manifest', bytes: () => packTarball([{ path: 'a', content: Buffer.from('x'), executable: false }]) },
  {
    name: 'signatures inside instead of a manifest',
    bytes: () => packTarball([{ path: 'a.tgz.sig.json', content: Buffer.from('[]'), executable: false }]),
  },
];

const flipped = (at: number, bit = 1): Buffer => {
  const bytes = good();
  bytes[at] = (bytes[at] ?? 0) ^ bit;
  return bytes;
};
const wrappers: HostileArchive[] = [
  { name: 'nothing', bytes: () => Buffer.alloc(0) },
  { name: 'one byte', bytes: () => Buffer.from([0x1f]) },
  { name: 'a header of gzip and nothing else', bytes: () => good().subarray(0, 10) },
  { name: 'no compression', bytes: plain },
  { name: 'a zip', bytes: () => Buffer.from('PK\u0003\u0004hello, this is some other archive') },
  { name: 'an xz', bytes: () => Buffer.concat([Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), Buffer.alloc(64)]) },
  { name: 'two gzip members', bytes: () => Buffer.concat([good(), good()]) },
  {
    name: 'a tar cut into two gzip members',
    bytes: () => Buffer.concat([gzip(plain().subarray(0, 512)), gzip(plain().subarray(512))]),
  },
  { name: 'a member without content behind it', bytes: () => Buffer.concat([good(), gzip(Buffer.alloc(0))]) },
  { name: 'bytes behind it', bytes: () => Buffer.concat([good(), Buffer.from('more')]) },
  { name: 'zeros behind it', bytes: () => Buffer.concat([good(), Buffer.alloc(512)]) },
  { name: 'something hidden between content and end of gzip', bytes: hiddenInGzip },
  { name: 'another file behind the end of the tar', bytes: () => gzip(Buffer.concat([plain(), plain()])) },
  { name: 'one block of zeros at its end', bytes: () => gzip(plain().subarray(0, -512)) },
  { name: 'no zeros at its end', bytes: () => gzip(rawEntry(ok)) },
  { name: 'a third block of zeros', bytes: () => gzip(Buffer.concat([plain(), END.subarray(512)])) },
  { name: 'one zero block and then a file', bytes: () => gzip(Buffer.concat([END.subarray(512), plain()])) },
  ...[3, 4].map((at) => ({ name: `another byte ${at} of the header of gzip`, bytes: () => flipped(at, 2) })),
  ...[-1, -5].map((at) => ({ name: `another byte ${at} of gzip's end`, bytes: () => flipped(good().length + at) })),
];

function hiddenInGzip(): Buffer {
  const bytes = good();
  return Buffer.concat([bytes.subarray(0, -8), deflateRawSync(Buffer.from('hidden')), bytes.subarray(-8)]);
}

/** A whole archive cut off at each block, once before and once after compressing. */
const cut = Array.from({ length: 6 }, (_, n): HostileArchive[] => {
  const whole = () => rawTar({ path: 'a', content: 'x'.repeat(600) }, { path: 'b', content: 'y' });
  return [
    { name: `its tar cut off after ${n} blocks`, bytes: () => gzip(whole().subarray(0, n * 512)) },
    { name: `its tar cut off in block ${n}`, bytes: () => gzip(whole().subarray(0, n * 512 + 100)) },
    {
      name: `its gzip cut off after ${n} sixths`,
      bytes: () => gzip(whole()).subarray(0, Math.floor((gzip(whole()).length * n) / 6)),
    },
  ];
}).flat();

/** Every way to make an archive that is known to have hurt somebody, and some that have not yet. */
export const hostileArchives: readonly HostileArchive[] = [
  ...types,
  ...links,
  ...paths,
  ...longPaths,
  ...bytesOfPaths,
  ...modes,
  ...fields,
  ...sizes,
  ...extensions,
  ...doubles,
  ...bombs,
  ...wrappers,
  ...cut,
];
