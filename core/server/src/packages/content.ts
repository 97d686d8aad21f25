import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { PackageArchiveError, PackageSizeError } from './errors.ts';

/** One file of a package, its path relative to the package's root. */
export interface ContentEntry {
  readonly path: string;
  /** Hex; for a symbolic link of its target. */
  readonly sha256: string;
}

export interface ArchiveContent {
  /** `sha256-…` of the archive's own bytes. */
  readonly digest: string;
  readonly contentDigest: string;
  readonly entries: readonly ContentEntry[];
}

export interface ContentLimits {
  readonly entries: number;
  readonly unpackedBytes: number;
}

const GZIP = 0x1f8b;
const defaultLimits: ContentLimits = { entries: 200_000, unpackedBytes: 8 * 2 ** 30 };

/**
 * The digest of a content list: sha256 of the lines that `sha256sum` prints for its files, in the order of their bytes.
 * It stays the same when only the compression, the times or the order in the archive change.
 */
export function contentDigest(entries: readonly ContentEntry[]): string {
  const lines = entries
    .map(({ path, sha256 }) => ({ path: Buffer.from(path), line: `${sha256}  ${path}\n` }))
    .sort((a, b) => Buffer.compare(a.path, b.path))
    .map(({ line }) => line);
  return `sha256-${createHash('sha256').update(lines.join('')).digest('hex')}`;
}

/**
 * Reads a whole archive once: the digest of its bytes and of its content. Nothing is written; what an archive may
 * contain is decided by the agent that unpacks it.
 *
 * @throws PackageArchiveError, PackageSizeError
 */
export async function readContent(
  path: string,
  options: { package: string; root?: string | undefined; signal?: AbortSignal; limits?: ContentLimits },
): Promise<ArchiveContent> {
  const { package: name, root, signal, limits = defaultLimits } = options;
  const bytes = createHash('sha256');
  const found: ContentEntry[] = [];
  const tops = new Set<string>();
  let entries = 0;
  let unpacked = 0;
  const parser = new Parser({ strict: true, brotli: false, zstd: false });
  let failure: unknown;
  let ended = false;
  parser.on('error', (error) => (failure ??= error));
  parser.on('eof', () => (ended = true));
  parser.on('ignoredEntry', () => (entries += 1));
  parser.on('entry', (entry: ReadEntry) => {
    entries += 1;
    const path = entry.path.replace(/^(\.\/)+/, '');
    if (path !== '') tops.add(path.includes('/') ? path.slice(0, path.indexOf('/')) : '');
    collect(entry, path, found);
  });
  const tap = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      bytes.update(chunk);
      yield chunk;
    }
  };
  try {
    await pipeline(
      createReadStream(path),
      tap,
      createGunzip({ chunkSize: 65_536 }),
      async (source: AsyncIterable<Buffer>) => {
        for await (const chunk of source) {
          // The parser would unpack a second time, past every limit.
          if (unpacked === 0 && chunk.readUInt16BE() === GZIP) throw new Error('it is compressed twice');
          unpacked += chunk.length;
          // The parser takes ever longer for what follows the end.
          if (!ended) parser.write(chunk);
          if (failure !== undefined) throw failure;
          if (entries > limits.entries)
            throw new PackageSizeError({ package: name, what: 'its number of entries', limit: limits.entries });
          if (unpacked > limits.unpackedBytes)
            throw new PackageSizeError({ package: name, what: 'its unpacked size', limit: limits.unpackedBytes });
        }
        parser.end();
        if (failure !== undefined) throw failure;
      },
      { signal },
    );
  } catch (error) {
    if (signal?.aborted || error instanceof PackageSizeError || isSystemError(error)) throw error;
    throw new PackageArchiveError({ package: name, reason: (error as Error).message }, { cause: error });
  }
  const normalised = underRoot(found, root ?? topFolder(tops));
  if (normalised.length === 0)
    throw new PackageArchiveError({ package: name, reason: `it has no file in "${root ?? '.'}"` });
  return {
    digest: `sha256-${bytes.digest('hex')}`,
    contentDigest: contentDigest(normalised),
    entries: normalised,
  };
}

function collect(entry: ReadEntry, path: string, into: ContentEntry[]): void {
  const hash = createHash('sha256');
  if (entry.type === 'SymbolicLink') hash.update(`link:${entry.linkpath ?? ''}`);
  entry.on('data', (chunk: Buffer) => hash.update(chunk));
  if (entry.type === 'Directory') return;
  entry.on('end', () => into.push({ path, sha256: hash.digest('hex') }));
}

/** The single top folder, if everything lies in one. A file at the top counts as ''. */
function topFolder(tops: ReadonlySet<string>): string {
  const [only] = tops;
  return tops.size === 1 && only ? only : '.';
}

function underRoot(entries: readonly ContentEntry[], folder: string): ContentEntry[] {
  if (folder === '.') return [...entries];
  const prefix = `${folder}/`;
  return entries
    .filter(({ path }) => path.startsWith(prefix))
    .map(({ path, sha256 }) => ({ path: path.slice(prefix.length), sha256 }));
}

function isSystemError(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).syscall !== undefined;
}
