import { gunzipSync, gzipSync } from 'node:zlib';
import { Header } from 'tar';

/** A regular file of an artifact. */
export interface ArtifactFile {
  /** Relative, with `/`. */
  readonly path: string;
  readonly content: Buffer;
  /** Scripts may be run; nothing else is. */
  readonly executable: boolean;
}

const LIMITS = { unpackedBytes: 64 * 1024 * 1024, entries: 2_000, depth: 12, pathLength: 200 };
const BLOCK = 512;
const SEGMENT = /^[A-Za-z0-9_@][A-Za-z0-9_.@+-]*$/;
/** The same for every build, and after 1980 for tools that mind. */
const MTIME = new Date('2020-01-01T00:00:00Z');

/** Files as a gzipped tar whose bytes depend on nothing but their paths and contents. */
export function packTarball(files: readonly ArtifactFile[]): Buffer {
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const blocks = sorted.flatMap(({ path, content, executable }) => {
    const fault = pathFault(path);
    if (fault) throw new Error(`${path} cannot be part of an artifact: ${fault}.`);
    const mode = executable ? 0o755 : 0o644;
    const header = new Header({ path, mode, size: content.length, mtime: MTIME, uid: 0, gid: 0, type: 'File' });
    header.encode();
    if (!header.block || header.needPax)
      throw new Error(`${path} cannot be part of an artifact: its name is too long.`);
    return [header.block, content, Buffer.alloc(padding(content.length))];
  });
  const packed = gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]), { level: 9 });
  // The byte that names the operating system.
  packed[9] = 255;
  return packed;
}

/**
 * Files of a gzipped tar, in memory. Only regular files with plain names are taken; everything else, and everything
 * beyond the limits, throws a sentence that says which entry.
 */
export function unpackTarball(packed: Buffer): ArtifactFile[] {
  const tar = gunzipSync(packed, { maxOutputLength: LIMITS.unpackedBytes });
  const files: ArtifactFile[] = [];
  const seen = new Set<string>();
  let offset = 0;
  while (offset + BLOCK <= tar.length) {
    const header = new Header(tar, offset);
    if (header.nullBlock) return files;
    const { path = '', size = 0 } = header;
    if (!header.cksumValid) throw new Error(`the header at byte ${offset} is damaged`);
    if (header.type !== 'File') throw new Error(`${JSON.stringify(path)} is no regular file`);
    const fault = pathFault(path);
    if (fault) throw new Error(`${JSON.stringify(path)} is no name of a file here: ${fault}`);
    const key = path.normalize('NFC').toLowerCase();
    if (seen.has(key)) throw new Error(`${path} is there twice`);
    seen.add(key);
    const start = offset + BLOCK;
    if (start + size > tar.length) throw new Error(`${path} is cut off`);
    if (files.length >= LIMITS.entries) throw new Error(`it has more than ${LIMITS.entries} files`);
    const content = tar.subarray(start, start + size);
    files.push({ path, content, executable: ((header.mode ?? 0) & 0o100) !== 0 });
    offset = start + size + padding(size);
  }
  throw new Error('its end is missing');
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function pathFault(path: string): string | undefined {
  const segments = path.split('/');
  if (path.length > LIMITS.pathLength) return `it is longer than ${LIMITS.pathLength} characters`;
  if (segments.length > LIMITS.depth) return `it is deeper than ${LIMITS.depth} folders`;
  return segments.every((segment) => SEGMENT.test(segment)) ? undefined : 'use letters, digits, ., _, -, + and @';
}
