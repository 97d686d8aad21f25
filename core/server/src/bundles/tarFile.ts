import { createReadStream } from 'node:fs';
import { Header } from 'tar';

const BLOCK = 512;
/** The same for every bundle: 2020-01-01. */
const MTIME = new Date('2020-01-01T00:00:00Z');

/** A file of a tar that is written. */
export interface OutgoingFile {
  readonly path: string;
  readonly size: number;
  /** On disk, or as it is. */
  readonly from: string | Buffer;
}

/** A tar as bytes that depend on nothing but names and contents; files are read when their turn comes. */
export async function* tarOf(files: readonly OutgoingFile[]): AsyncGenerator<Buffer> {
  for (const { path, size, from } of files) {
    const header = new Header({ path, size, mode: 0o644, uid: 0, gid: 0, mtime: MTIME, type: 'File' });
    header.encode();
    if (!header.block || header.needPax) throw new Error(`${path} is too long for a bundle.`);
    yield header.block;
    let sent = 0;
    for await (const chunk of typeof from === 'string' ? createReadStream(from) : [from]) {
      sent += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
    if (sent !== size) throw new Error(`${path} changed while it was put into a bundle.`);
    if (size % BLOCK > 0) yield Buffer.alloc(BLOCK - (size % BLOCK));
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** Bytes of such a tar. */
export function tarSize(files: readonly OutgoingFile[]): number {
  return files.reduce((total, { size }) => total + BLOCK + Math.ceil(size / BLOCK) * BLOCK, 2 * BLOCK);
}

/** A file of a tar that is read; its content has to be taken before the next one comes. */
export interface IncomingFile {
  readonly path: string;
  readonly size: number;
  readonly content: AsyncIterable<Uint8Array>;
}

/** The regular files of a tar, in order, without ever holding more than a chunk. Anything else throws a sentence. */
export async function* filesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<IncomingFile> {
  const bytes = new Bytes(source);
  for (;;) {
    const block = await bytes.exactly(BLOCK);
    const header = new Header(block);
    if (header.nullBlock) return bytes.drain();
    const { path = '', size = 0, type } = header;
    if (!header.cksumValid) throw new Error('it is no bundle, or damaged');
    if (type !== 'File') throw new Error(`${JSON.stringify(path.slice(0, 100))} in it is no regular file`);
    yield { path, size, content: bytes.some(size) };
    await bytes.exactly((BLOCK - (size % BLOCK)) % BLOCK);
  }
}

/** Takes exact numbers of bytes from chunks of any size. */
class Bytes {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  async exactly(count: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of this.some(count)) parts.push(part);
    return Buffer.concat(parts);
  }

  async *some(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0;) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done) throw new Error('it is cut off');
        this.#rest = next.value;
      }
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  /** What may follow the end is let go, so that whoever sends it is not cut off. */
  async drain(): Promise<void> {
    while (!(await this.#chunks.next()).done);
  }
}
