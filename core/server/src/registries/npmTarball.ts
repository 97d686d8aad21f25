import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { StackPackageEmptyError, StackPackageError } from './errors.ts';

/** What an npm package of a stack is opened for. */
export interface StackPackageContent {
  readonly artifact: Buffer;
  /** The text of the file of signatures beside it. */
  readonly signatures: string | undefined;
}

const MiB = 2 ** 20;
const LIMITS = {
  unpackedBytes: 256 * MiB,
  /** Unpacked bytes for each packed one, beyond `freeBytes`. */
  ratio: 100,
  freeBytes: MiB,
  entries: 10_000,
  artifactBytes: 64 * MiB,
  signatureBytes: 65_536,
};
const ARTIFACT = /^[^/]+\/dist\/stack\/[A-Za-z0-9_][A-Za-z0-9_.+-]*\.tgz$/;
const SIGNATURES = /^[^/]+\/dist\/stack\/[A-Za-z0-9_][A-Za-z0-9_.+-]*\.tgz\.sig\.json$/;
const GZIP = 0x1f8b;

/**
 * Takes the artifact and its signatures out of an npm tarball, in memory; an artifact itself is what it is. Nothing else is unpacked, nothing is written,
 * and nothing is run; an archive with a link, a device or a name that leads out of it is refused as a whole.
 *
 * @throws StackPackageError, StackPackageEmptyError
 */
export async function readStackPackage(
  file: string,
  { name, version }: { readonly name: string; readonly version?: string | undefined },
): Promise<StackPackageContent> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new StackPackageError({ package: name, reason }, { cause });
  };
  const packed = (await stat(file)).size;
  const most = Math.min(LIMITS.unpackedBytes, Math.max(LIMITS.freeBytes, packed * LIMITS.ratio));
  const found = new Map<string, Buffer[]>();
  const parser = new Parser({ strict: true, brotli: false, zstd: false });
  let [entries, unpacked]: [number, number] = [0, 0];
  let isArtifact = false;
  let ended = false;
  let failure: unknown;
  parser.on('error', (error) => (failure ??= error));
  parser.on('eof', () => (ended = true));
  const fault = (entry: ReadEntry): string | undefined => {
    if (entry.type !== 'File' && entry.type !== 'Directory')
      return `"${printable(entry.path)}" in it is no regular file`;
    if (!isInside(entry.path)) return `"${printable(entry.path)}" in it leads out of it`;
    if (found.has(entry.path)) return `${printable(entry.path)} is in it twice`;
    const limit = ARTIFACT.test(entry.path) ? LIMITS.artifactBytes : LIMITS.signatureBytes;
    return isWanted(entry) && entry.size > limit ? `${entry.path} in it has more than ${limit} bytes` : undefined;
  };
  parser.on('ignoredEntry', (entry: ReadEntry) => (failure ??= new Error(fault(entry) ?? `${entry.path} is odd`)));
  parser.on('entry', (entry: ReadEntry) => {
    entries += 1;
    const reason = fault(entry);
    // Every file of an npm package lies in a folder.
    if (entry.path === 'manifest.json') isArtifact = true;
    if (reason !== undefined) failure ??= new Error(reason);
    else if (isWanted(entry)) {
      const parts: Buffer[] = [];
      found.set(entry.path, parts);
      entry.on('data', (part: Buffer) => parts.push(part));
    }
    entry.resume();
  });
  try {
    await pipeline(createReadStream(file), createGunzip(), async (source: AsyncIterable<Buffer>) => {
      for await (const chunk of source) {
        // The parser would unpack a second time, past every limit.
        if (unpacked === 0 && chunk.length > 1 && chunk.readUInt16BE() === GZIP)
          throw new Error('it is compressed twice');
        unpacked += chunk.length;
        // The parser takes ever longer for what follows the end.
        if (!ended) parser.write(chunk);
        if (failure !== undefined) throw failure;
        if (entries > LIMITS.entries) throw new Error(`it has more than ${LIMITS.entries} files`);
        if (unpacked > most) throw new Error(`it has more than ${most} bytes unpacked`);
      }
      parser.end();
      if (failure !== undefined) throw failure;
    });
  } catch (error) {
    refuse(((error as Error).message || String(error)).replace(/\.$/, ''), error);
  }
  if (isArtifact) return { artifact: await readFile(file), signatures: undefined };
  const all = [...found.keys()].filter((path) => ARTIFACT.test(path));
  // What earlier builds have left lies beside it.
  const ofVersion = all.filter((path) => version !== undefined && path.endsWith(`-${version}.tgz`));
  const artifacts = ofVersion.length === 1 ? ofVersion : all;
  const [path] = artifacts;
  if (path === undefined) throw new StackPackageEmptyError({ package: name });
  if (artifacts.length > 1) refuse(`it holds ${artifacts.length} artifacts; its author has to clear dist/stack first`);
  const signatures = found.get(`${path}.sig.json`);
  return {
    artifact: Buffer.concat(found.get(path)!),
    signatures: signatures && Buffer.concat(signatures).toString('utf8'),
  };
}

function isWanted({ path, type }: ReadEntry): boolean {
  return type === 'File' && (ARTIFACT.test(path) || SIGNATURES.test(path));
}

function isInside(path: string): boolean {
  return !path.startsWith('/') && !/(^|\/)\.\.(\/|$)/.test(path) && !path.includes('\\') && !path.includes('\0');
}

function printable(path: string): string {
  return path.replace(/[^\x20-\x7e]/g, '?').slice(0, 100);
}
