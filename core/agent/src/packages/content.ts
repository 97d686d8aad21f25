import { createHash } from 'node:crypto';

/** One file of an unpacked package, its path relative to the package's root. */
export interface ContentEntry {
  readonly path: string;
  /** Hex; for a symbolic link that of `link:<target>`. */
  readonly sha256: string;
}

/**
 * The digest of a content list: sha256 of the lines that `sha256sum` prints for its files, in the order of their bytes.
 * The server computes the same one from the archive.
 */
export function contentDigest(entries: readonly ContentEntry[]): string {
  const lines = entries
    .map(({ path, sha256 }) => ({ path: Buffer.from(path), line: `${sha256}  ${path}\n` }))
    .sort((a, b) => Buffer.compare(a.path, b.path))
    .map(({ line }) => line);
  return `sha256-${createHash('sha256').update(lines.join('')).digest('hex')}`;
}
