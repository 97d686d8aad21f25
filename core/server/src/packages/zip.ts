import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { type Entry, fromFdPromise, type ZipFile } from 'yauzl';

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
  readonly executable: boolean;
  /**
   * Its bytes, chunk by chunk: as many as the directory says, and those whose checksum it has.
   *
   * @throws ZipRefusal
   */
  content(): AsyncGenerator<Buffer>;
}

/** The zip is damaged, or made to do harm. The message is the second half of a sentence. */
export class ZipRefusal extends Error {}

const DEFLATED_OR_STORED = [8, 0];
const UNIX = 3;
const RATIO_FROM = 2 ** 20;
const segment = /^[A-Za-z0-9_.@+$,=~%#()[\]{}!&' -]+$/;

/**
 * The files of a zip, after a look at its whole directory: names that lead nowhere else and are there once, no links, no
 * encryption, no two files that share bytes, and no more than the limits allow. Nothing is unpacked.
 *
 * @throws ZipRefusal
 */
export async function readZip(file: FileHandle, limits: ZipLimits = zipLimits): Promise<readonly ZipEntry[]> {
  const zip = await understood('it cannot be read as a zip', () =>
    fromFdPromise(file.fd, { autoClose: false, lazyEntries: true, strictFileNames: true }),
  );
  if (zip.entryCount > limits.entries) throw new ZipRefusal(`it has more than ${limits.entries} entries`);
  const listed: Entry[] = [];
  await understood('its directory is not to be trusted', async () => {
    for await (const entry of zip.eachEntry()) listed.push(entry);
  });
  const files = listed.filter((entry) => isFile(entry, limits));
  const names = new Set<string>();
  let unpacked = 0;
  for (const { fileName, uncompressedSize } of files) {
    // Hosts may have file systems on which both would be one file.
    const folded = fileName.toLowerCase();
    if (names.has(folded)) throw new ZipRefusal(`${fileName} is there twice`);
    names.add(folded);
    unpacked += uncompressedSize;
    if (unpacked > limits.unpackedBytes) throw new ZipRefusal(`it unpacks to more than ${limits.unpackedBytes} bytes`);
  }
  for (const { fileName } of files) refuseWithin(fileName, names);
  return inOrder(zip, files);
}

/** False for a folder. */
function isFile(entry: Entry, limits: ZipLimits): boolean {
  const { fileName: path, uncompressedSize: size, compressedSize, compressionMethod, externalFileAttributes } = entry;
  const isFolder = path.endsWith('/');
  if (Buffer.byteLength(path) > limits.pathBytes)
    throw new ZipRefusal(`${path.slice(0, 120)} is a path longer than ${limits.pathBytes} bytes`);
  const segments = (isFolder ? path.slice(0, -1) : path).split('/');
  if (segments.some((each) => each === '.' || !segment.test(each)))
    throw new ZipRefusal(`${JSON.stringify(path).slice(1, -1)} is a name that is not allowed`);
  const type = entry.versionMadeBy >> 8 === UNIX ? (externalFileAttributes >>> 16) & 0o170000 : 0;
  if (![0, 0o100000, 0o040000].includes(type)) throw new ZipRefusal(`${path} is neither a file nor a folder`);
  if (isFolder) return false;
  if (entry.isEncrypted()) throw new ZipRefusal(`${path} is encrypted`);
  if (!DEFLATED_OR_STORED.includes(compressionMethod))
    throw new ZipRefusal(`${path} is compressed in a way that is not known`);
  if (size > RATIO_FROM && size / compressedSize > limits.ratio)
    throw new ZipRefusal(`${path} unpacks to more than ${limits.ratio} times its size`);
  return true;
}

/** A file cannot be the folder of another. */
function refuseWithin(path: string, names: ReadonlySet<string>): void {
  for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1)) {
    if (names.has(path.slice(0, end).toLowerCase())) throw new ZipRefusal(`${path} lies in a file`);
  }
}

/** In the order of their bytes, since each may reach only to where the next one begins. */
function inOrder(zip: ZipFile, files: readonly Entry[]): readonly ZipEntry[] {
  const sorted = files.toSorted((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  return sorted.map((entry, index) => {
    const until = sorted[index + 1]?.relativeOffsetOfLocalHeader ?? zip.fileSize;
    const { fileName: path, uncompressedSize: size, externalFileAttributes } = entry;
    const executable = entry.versionMadeBy >> 8 === UNIX && ((externalFileAttributes >>> 16) & 0o111) !== 0;
    return { path, size, executable, content: () => contentOf(zip, entry, until) };
  });
}

async function* contentOf(zip: ZipFile, entry: Entry, until: number): AsyncGenerator<Buffer> {
  const { fileName: path, compressedSize } = entry;
  const damaged = `${path} cannot be unpacked`;
  const header = await understood(damaged, () => zip.readLocalFileHeaderPromise(entry));
  // What is shown and what is unpacked have to be the same file.
  if (!header.fileName.equals(entry.fileNameRaw))
    throw new ZipRefusal(`${path} is called otherwise where its bytes are`);
  // Files that share their bytes make a small zip unpack to a thousand times its size.
  if (header.fileDataStart + compressedSize > until) throw new ZipRefusal(`${path} shares its bytes with another file`);
  const bytes = await understood(damaged, () => zip.openReadStreamPromise(entry));
  let crc = 0;
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      crc = crc32(chunk, crc);
      yield chunk;
    }
  } catch (error) {
    throw refusalOf(damaged, error);
  }
  if (crc !== entry.crc32) throw new ZipRefusal(`${path} is damaged`);
}

async function understood<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw refusalOf(what, error);
  }
}

/** What the disk refuses is no fault of the zip. */
function refusalOf(what: string, error: unknown): unknown {
  if ((error as NodeJS.ErrnoException).syscall !== undefined) return error;
  return new ZipRefusal(`${what} (${(error as Error).message})`, { cause: error });
}
