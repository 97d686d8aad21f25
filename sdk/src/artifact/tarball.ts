import { Header } from 'tar';
import { gunzip, gzip, type Inflate, TooLargeError } from './gzip.ts';
import { LIMITS } from './limits.ts';
import { pathFault, SeenPaths } from './paths.ts';

/** A regular file of an artifact. */
export interface ArtifactFile {
  /** Relative, with `/`. */
  readonly path: string;
  readonly content: Buffer;
  /** Scripts may be run; nothing else is. */
  readonly executable: boolean;
}

const BLOCK = 512;
const END = Buffer.alloc(2 * BLOCK);
/** The same for every build, and after 1980 for tools that mind. */
const MTIME = new Date('2020-01-01T00:00:00Z');

/** Files as a gzipped tar whose bytes depend on nothing but their paths and contents. */
export function packTarball(files: readonly ArtifactFile[]): Buffer {
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const blocks = sorted.flatMap(({ path, content, executable }) => {
    const fault = pathFault(path);
    if (fault) throw new Error(`${path} cannot be part of an artifact: ${fault}.`);
    const header = headerOf(path, content.length, executable);
    if (!header) throw new Error(`${path} cannot be part of an artifact: its name is too long.`);
    return [header, content, Buffer.alloc(padding(content.length))];
  });
  return gzip(Buffer.concat([...blocks, END]));
}

/** The one header that a file can have. */
function headerOf(path: string, size: number, executable: boolean): Buffer | undefined {
  const mode = executable ? 0o755 : 0o644;
  const header = new Header({ path, mode, size, mtime: MTIME, uid: 0, gid: 0, type: 'File' });
  header.encode();
  return header.needPax ? undefined : header.block;
}

export interface Unpacking {
  /** The content of others is passed over, empty. */
  readonly wanted?: (path: string) => boolean;
  /** In this process when absent. */
  readonly inflate?: Inflate | undefined;
}

/**
 * Files of a gzipped tar. Its headers have to be, byte by byte, those that a build writes: so there is no link, no owner,
 * no mode, no extension and no second reading of a name to be careful about. Anything else, and everything beyond the
 * limits, throws a sentence that says which entry.
 */
export async function unpackTarball(
  packed: Buffer,
  { wanted = () => true, inflate }: Unpacking = {},
): Promise<ArtifactFile[]> {
  const files: ArtifactFile[] = [];
  const seen = new SeenPaths();
  const source = new Blocks(gunzip(packed, inflate));
  for (;;) {
    const block = await source.take(BLOCK);
    if (!block) throw new Error('its end is missing');
    if (block.equals(END.subarray(0, BLOCK))) break;
    const { path, size, executable } = readHeader(block, source.offset - BLOCK);
    seen.add(path);
    if (files.length >= LIMITS.entries) throw new TooLargeError(`it has more than ${LIMITS.entries} files`);
    const content = await source.take(size, wanted(path));
    const pad = content && (await source.take(padding(size)));
    if (!content || !pad) throw new Error(`${path} is cut off`);
    if (pad.some((byte) => byte !== 0)) throw new Error(`something is hidden behind ${path}`);
    files.push({ path, content, executable });
  }
  const last = await source.take(BLOCK);
  if (!last?.equals(END.subarray(BLOCK))) throw new Error('its end is missing');
  if (await source.take(1)) throw new Error('something follows its end');
  return files;
}

function readHeader(block: Buffer, offset: number): { path: string; size: number; executable: boolean } {
  const header = new Header(block, 0);
  const { path = '', size = 0, mode = 0 } = header;
  const shown = JSON.stringify(path.slice(0, 300));
  if (!header.cksumValid) throw new Error(`the header at byte ${offset} is damaged`);
  if (header.type !== 'File') throw new Error(`${shown} is no regular file`);
  const fault = pathFault(path);
  if (fault) throw new Error(`${shown} is no name of a file here: ${fault}`);
  const executable = (mode & 0o100) !== 0;
  if (!Number.isSafeInteger(size) || size < 0) throw new Error(`${shown} has no size`);
  if (size > LIMITS.unpackedBytes) throw new TooLargeError(`${shown} has more than ${LIMITS.unpackedBytes} bytes`);
  if (!headerOf(path, size, executable)?.equals(block))
    throw new Error(`the header of ${shown} is not one that a build writes`);
  return { path, size, executable };
}

/** Pieces of any length as pieces of the lengths that are asked for. */
class Blocks {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  offset = 0;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** @returns undefined at the end; nothing of it is kept when it is not wanted. */
  async take(length: number, wanted = true): Promise<Buffer | undefined> {
    const pieces: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#rest.length === 0) {
        const { value, done } = await this.#source.next();
        if (done) return undefined;
        this.#rest = value;
      }
      const piece = this.#rest.subarray(0, missing);
      if (wanted) pieces.push(piece);
      this.#rest = this.#rest.subarray(piece.length);
      missing -= piece.length;
    }
    this.offset += length;
    return Buffer.concat(pieces);
  }
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}
