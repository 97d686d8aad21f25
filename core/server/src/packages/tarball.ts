import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';

/** A file to pack: from a path on disk, or from its content. */
export interface PackedFile {
  /** Path inside the archive, with `/`. */
  readonly path: string;
  readonly from: string | Buffer;
  readonly executable?: boolean;
}

/** One fixed moment (2020-01-01T00:00:00Z, in seconds), so that two runs differ in nothing. */
const MTIME = 1_577_836_800;
const BLOCK = 512;

/**
 * Packs files as tar.gz such that the same files always give the same bytes: sorted by name, one fixed time, owner 0,
 * modes 0644 and 0755. Another build of zlib may compress differently; the content digest holds across those.
 *
 * @returns the digest (`sha256-…`) and size of the archive.
 */
export async function packTarball(
  target: string,
  files: readonly PackedFile[],
  { signal, onBytes }: { signal?: AbortSignal; onBytes?: (bytes: number) => void } = {},
): Promise<{ digest: string; size: number }> {
  const sorted = [...files].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  const hash = createHash('sha256');
  let size = 0;
  await pipeline(
    () => tarBlocks(sorted, onBytes),
    createGzip({ level: constants.Z_DEFAULT_COMPRESSION }),
    async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of source) {
        // Byte 9 names the system the archive was made on.
        if (size === 0) chunk[9] = 3;
        size += chunk.length;
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(target, { flags: 'wx', mode: 0o600, flush: true }),
    { signal },
  );
  return { digest: `sha256-${hash.digest('hex')}`, size };
}

async function* tarBlocks(files: readonly PackedFile[], onBytes?: (bytes: number) => void): AsyncGenerator<Buffer> {
  let done = 0;
  for (const file of files) {
    const size = typeof file.from === 'string' ? (await stat(file.from)).size : file.from.length;
    yield header(file, size);
    let written = 0;
    for await (const chunk of typeof file.from === 'string' ? createReadStream(file.from) : [file.from]) {
      written += chunk.length;
      yield chunk as Buffer;
    }
    if (written !== size) throw new Error(`${file.path} changed its size while it was packed.`);
    if (size % BLOCK > 0) yield Buffer.alloc(BLOCK - (size % BLOCK));
    done += size;
    onBytes?.(done);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function header(file: PackedFile, size: number): Buffer {
  const { prefix, name } = splitName(file.path);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  block.write(name, 0);
  octal(file.executable ? 0o755 : 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(MTIME, 136, 12);
  block.write('        ', 148, 'latin1');
  block.write('0', 156, 'latin1');
  block.write('ustar\u000000', 257, 'latin1');
  block.write(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** ustar keeps 100 bytes of name and, before a slash, 155 of prefix. */
function splitName(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path };
  for (let cut = path.indexOf('/'); cut > 0; cut = path.indexOf('/', cut + 1)) {
    const [prefix, name] = [path.slice(0, cut), path.slice(cut + 1)];
    if (name !== '' && Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 130) return { prefix, name };
  }
  throw new Error(`The path ${path} is too long for a tar archive.`);
}
