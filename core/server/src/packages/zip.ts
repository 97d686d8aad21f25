import type { FileHandle } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';

/** Bounds while a zip is read; sizes in bytes. */
export interface ZipLimits {
  readonly entries: number;
  readonly unpackedBytes: number;
  /** Unpacked to compressed, of each file that unpacks to more than a MiB. */
  readonly ratio: number;
  readonly pathBytes: number;
}

export const zipLimits: ZipLimits = { entries: 20_000, unpackedBytes: 2 * 2 ** 30, ratio: 100, pathBytes: 230 };

/** A file in a zip, as its directory lists it. */
export interface ZipEntry {
  readonly path: string;
  readonly size: number;
  readonly compressed: number;
  readonly executable: boolean;
  readonly crc: number;
  readonly deflated: boolean;
  /** Of the header in front of its bytes. */
  readonly offset: number;
  /** Where the next file begins, or the directory. */
  readonly until: number;
}

/** The zip is damaged, or made to do harm. The message is the second half of a sentence. */
export class ZipRefusal extends Error {}

const END = 0x06054b50;
const LISTED = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const LISTED_BYTES = 46;
const LOCAL_BYTES = 30;
const MOST_COMMENT = 65_535;
const UNIX = 3;
const RATIO_FROM = 2 ** 20;
const READ_BYTES = 262_144;
const segment = /^[A-Za-z0-9_.@+$,=~%#()[\]{}!&' -]+$/;

/**
 * The files of a zip, after a look at its whole directory: names that lead nowhere else and are there once, no links, no
 * encryption, no two files that share bytes, and no more than the limits allow. Nothing is unpacked.
 *
 * @throws ZipRefusal
 */
export async function readZip(file: FileHandle, limits: ZipLimits = zipLimits): Promise<readonly ZipEntry[]> {
  const { size } = await file.stat();
  const { count, start, bytes } = await directoryOf(file, size);
  if (count > limits.entries) throw new ZipRefusal(`it has more than ${limits.entries} entries`);
  const directory = await bytesOf(file, start, bytes);
  const entries: Omit<ZipEntry, 'until'>[] = [];
  const names = new Set<string>();
  let at = 0;
  let unpacked = 0;
  for (let index = 0; index < count; index += 1) {
    if (at + LISTED_BYTES > bytes || directory.readUInt32LE(at) !== LISTED)
      throw new ZipRefusal('its directory is damaged');
    const nameBytes = directory.readUInt16LE(at + 28);
    const next = at + LISTED_BYTES + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    if (next > bytes) throw new ZipRefusal('its directory is damaged');
    const entry = listed(directory.subarray(at, next), nameBytes, limits);
    at = next;
    if (!entry) continue;
    // Hosts may have file systems on which both would be one file.
    const folded = entry.path.toLowerCase();
    if (names.has(folded)) throw new ZipRefusal(`${entry.path} is there twice`);
    names.add(folded);
    unpacked += entry.size;
    if (unpacked > limits.unpackedBytes) throw new ZipRefusal(`it unpacks to more than ${limits.unpackedBytes} bytes`);
    entries.push(entry);
  }
  for (const { path } of entries) refuseWithin(path, names);
  return bounded(entries, start);
}

/**
 * The bytes of one file, chunk by chunk: as many as the directory says, and those whose checksum it has.
 *
 * @throws ZipRefusal
 */
export async function* contentOf(file: FileHandle, entry: ZipEntry): AsyncGenerator<Buffer> {
  const header = await bytesOf(file, entry.offset, LOCAL_BYTES);
  const nameBytes = header.readUInt16LE(26);
  const name = await bytesOf(file, entry.offset + LOCAL_BYTES, nameBytes);
  // What is shown and what is unpacked have to be the same file.
  if (header.readUInt32LE(0) !== LOCAL || name.toString('utf8') !== entry.path)
    throw new ZipRefusal(`${entry.path} is called otherwise where its bytes are`);
  const start = entry.offset + LOCAL_BYTES + nameBytes + header.readUInt16LE(28);
  // Files that share their bytes make a small zip unpack to a thousand times its size.
  if (start + entry.compressed > entry.until) throw new ZipRefusal(`${entry.path} shares its bytes with another file`);
  let [seen, crc] = [0, 0];
  try {
    for await (const chunk of unpacked(rawOf(file, start, entry.compressed), entry)) {
      seen += chunk.length;
      if (seen > entry.size) throw new ZipRefusal(`${entry.path} unpacks to more than it says`);
      crc = crc32(chunk, crc);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof ZipRefusal || (error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    throw new ZipRefusal(`${entry.path} cannot be unpacked (${(error as Error).message})`, { cause: error });
  }
  if (seen !== entry.size || crc !== entry.crc) throw new ZipRefusal(`${entry.path} is damaged`);
}

function unpacked(raw: AsyncGenerator<Buffer>, { deflated }: ZipEntry): AsyncIterable<Buffer> {
  // What fails on the way is heard of by whoever reads the end.
  return deflated ? pipeline(Readable.from(raw), createInflateRaw({ chunkSize: READ_BYTES }), () => undefined) : raw;
}

async function* rawOf(file: FileHandle, start: number, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < length; at += READ_BYTES)
    yield await bytesOf(file, start + at, Math.min(READ_BYTES, length - at));
}

/** Where the directory lies, as the end of the file tells. */
async function directoryOf(file: FileHandle, size: number) {
  const tailBytes = Math.min(size, END_BYTES + MOST_COMMENT);
  const tail = await bytesOf(file, size - tailBytes, tailBytes);
  let at = tail.length - END_BYTES;
  // The record ends with a comment that ends with the file; a second one inside that comment is no end.
  while (at >= 0 && !(tail.readUInt32LE(at) === END && at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length))
    at -= 1;
  if (at < 0) throw new ZipRefusal('it has no directory: it is no zip, or not whole');
  const [disk, first, here, count] = [4, 6, 8, 10].map((field) => tail.readUInt16LE(at + field)) as [
    number,
    number,
    number,
    number,
  ];
  const bytes = tail.readUInt32LE(at + 12);
  const start = tail.readUInt32LE(at + 16);
  if (disk !== 0 || first !== 0 || here !== count) throw new ZipRefusal('it is a part of a larger zip');
  if (start === 0xffffffff || bytes === 0xffffffff || count === 0xffff)
    throw new ZipRefusal('it is of the kind zip64, which is not taken');
  if (start + bytes !== size - tailBytes + at) throw new ZipRefusal('its directory is not where its end says');
  return { count, start, bytes };
}

/** One line of the directory; undefined for a folder. */
function listed(line: Buffer, nameBytes: number, limits: ZipLimits): Omit<ZipEntry, 'until'> | undefined {
  const path = line.subarray(LISTED_BYTES, LISTED_BYTES + nameBytes).toString('utf8');
  const shown = JSON.stringify(path).slice(1, -1).slice(0, 120);
  const isFolder = path.endsWith('/');
  const segments = (isFolder ? path.slice(0, -1) : path).split('/');
  if (nameBytes > limits.pathBytes) throw new ZipRefusal(`${shown} is a path longer than ${limits.pathBytes} bytes`);
  if (segments.some((each) => each === '.' || each === '..' || !segment.test(each)))
    throw new ZipRefusal(`${shown} is a name that is not allowed`);
  const type = line.readUInt8(5) === UNIX ? line.readUInt16LE(40) & 0o170000 : 0;
  if (type !== 0 && type !== 0o100000 && type !== 0o040000)
    throw new ZipRefusal(`${shown} is neither a file nor a folder`);
  if (isFolder) return undefined;
  const method = line.readUInt16LE(10);
  if ((line.readUInt16LE(8) & 0x41) !== 0) throw new ZipRefusal(`${shown} is encrypted`);
  if (method !== 0 && method !== 8) throw new ZipRefusal(`${shown} is compressed in a way that is not known`);
  const [crc, compressed, size] = [16, 20, 24].map((field) => line.readUInt32LE(field)) as [number, number, number];
  if (method === 0 && compressed !== size) throw new ZipRefusal(`${shown} says two sizes`);
  if (size > RATIO_FROM && size / compressed > limits.ratio)
    throw new ZipRefusal(`${shown} unpacks to more than ${limits.ratio} times its size`);
  const executable = type !== 0 && (line.readUInt16LE(40) & 0o111) !== 0;
  return { path, size, compressed, executable, crc, deflated: method === 8, offset: line.readUInt32LE(42) };
}

/** A file cannot be the folder of another. */
function refuseWithin(path: string, names: ReadonlySet<string>): void {
  for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1)) {
    if (names.has(path.slice(0, end).toLowerCase())) throw new ZipRefusal(`${path} lies in a file`);
  }
}

/** The files with where each has to end. Their headers tell when they are read how far their bytes reach. */
function bounded(entries: readonly Omit<ZipEntry, 'until'>[], directory: number): ZipEntry[] {
  const byOffset = entries.toSorted((a, b) => a.offset - b.offset);
  return byOffset.map((entry, index) => {
    const until = byOffset[index + 1]?.offset ?? directory;
    if (entry.offset + LOCAL_BYTES + entry.compressed > until)
      throw new ZipRefusal(`${entry.path} shares its bytes with what comes after it`);
    return { ...entry, until };
  });
}

async function bytesOf(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new ZipRefusal('it is not whole');
  return buffer;
}
