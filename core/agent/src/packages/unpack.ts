import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DigestMismatchError } from '../errors.ts';
import { syncDirectory, writeDurably } from '../spool/durable.ts';
import { ArchiveRefusal, digestOf, readArchive, type Step } from './archive.ts';
import { type ContentEntry, contentDigest } from './content.ts';
import { type Admitted, defaultLimits, EntryGate, type UnpackLimits } from './entryGate.ts';
import { namingFullDisk, PackageRefusedError, PackageTargetError } from './errors.ts';
import { linkRefusal } from './links.ts';
import { RECORD_FILE } from './record.ts';

export interface UnpackOptions {
  /** How sentences name the package, such as "zookeeper 3.9.4". */
  readonly name: string;
  /** The tar.gz. */
  readonly archive: string;
  /** `sha256-…` of the archive's bytes. */
  readonly digest: string;
  /** The folder that is to become the package. */
  readonly into: string;
  /** Folder of the archive to take; absent: a single top folder is stripped; `.`: nothing is. */
  readonly root?: string | undefined;
  readonly limits?: Partial<UnpackLimits>;
  /**
   * `contained` (the default, official archives have libx.so → libx.so.1): relative links that stay in the package, made
   * after every file was written. Hard links and everything else that is no file or folder are always refused.
   */
  readonly symlinks?: 'contained' | 'refuse';
  readonly signal?: AbortSignal | undefined;
}

/** A package on this host, as its folder's own record tells. */
export interface UnpackedPackage {
  readonly path: string;
  readonly digest: string;
  readonly contentDigest: string;
  readonly files: number;
  readonly bytes: number;
}

/** A disk syncs many files in hardly more time than one. */
const SYNCED_TOGETHER = 32;

type Link = Extract<Admitted, { kind: 'link' }>;
interface Written {
  readonly entries: ContentEntry[];
  readonly links: Map<string, Link>;
  bytes: number;
}

/**
 * Unpacks a package: its digest is verified before a byte is parsed, and its folder appears whole or not at all. When the
 * folder holds this very package already, nothing is done. One call at a time per folder.
 *
 * @throws DigestMismatchError, PackageRefusedError, PackageTargetError, DiskFullError
 */
export async function unpackPackage(options: UnpackOptions): Promise<UnpackedPackage> {
  const { name, archive, digest, into, signal } = options;
  const before = await readRecord(into);
  if (before?.digest === digest) return { ...before, path: into };
  if (before !== undefined) throw new PackageTargetError(name, into);

  const staging = `${into}.unpacking`;
  // The same open file is verified and read: nobody can exchange it in between.
  const handle = await open(archive, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const limits = { ...defaultLimits, ...options.limits };
    if ((await handle.stat()).size > limits.compressedBytes)
      throw new ArchiveRefusal(`it is larger than ${limits.compressedBytes} bytes`);
    const found = await digestOf(handle, signal);
    if (found !== digest) throw new DigestMismatchError(`Package ${name}`, digest, found);

    await rm(staging, { recursive: true, force: true });
    await mkdir(dirname(into), { recursive: true, mode: 0o755 });
    await mkdir(staging, { mode: 0o700 });
    const gate = new EntryGate(limits, options.symlinks ?? 'contained');
    const written = await writeEntries(handle, staging, { gate, limits, signal });
    return await settle({ ...options, staging, gate, written });
  } catch (error) {
    if (error instanceof ArchiveRefusal) throw new PackageRefusedError(name, [error.message]);
    throw namingFullDisk(error, name, into);
  } finally {
    await handle.close();
    await rm(staging, { recursive: true, force: true });
  }
}

async function writeEntries(
  archive: FileHandle,
  staging: string,
  reading: { gate: EntryGate; limits: UnpackLimits; signal: AbortSignal | undefined },
): Promise<Written> {
  const written: Written = { entries: [], links: new Map(), bytes: 0 };
  const folders = new Set<string>();
  const closing: Promise<void>[] = [];
  let current: { handle: FileHandle; hash: Hash; path: string } | undefined;
  const perform = async (step: Step): Promise<void> => {
    switch (step.kind) {
      case 'folder':
        return makeFolders(staging, step.path, folders);
      case 'link':
        return void written.links.set(step.path, step);
      case 'file': {
        await makeFolders(staging, dirname(step.path), folders);
        // No link exists yet, so no name on the way can lead elsewhere; wx and the gate keep the file new.
        const handle = await open(join(staging, step.path), 'wx', step.mode);
        current = { handle, hash: createHash('sha256'), path: step.path };
        return handle.chmod(step.mode);
      }
      case 'data':
        current?.hash.update(step.chunk);
        written.bytes += step.chunk.length;
        return current?.handle.writeFile(step.chunk);
      case 'end':
        if (!current) return;
        written.entries.push({ path: current.path, sha256: current.hash.digest('hex') });
        closing.push(closeDurably(current.handle));
        current = undefined;
        if (closing.length >= SYNCED_TOGETHER) await Promise.all(closing.splice(0));
    }
  };
  try {
    for await (const step of readArchive(archive, reading)) {
      // What is refused as a whole need not be written to its end.
      if (reading.gate.refusals.length === 0) await perform(step);
    }
    await Promise.all(closing);
  } finally {
    await current?.handle.close();
    await Promise.allSettled(closing);
  }
  return written;
}

/** A file that is there after a power cut, not an empty one of that name. */
async function closeDurably(handle: FileHandle): Promise<void> {
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function settle(
  unpacking: UnpackOptions & { staging: string; gate: EntryGate; written: Written },
): Promise<UnpackedPackage> {
  const { name, digest, into, staging, gate, written } = unpacking;
  const tops = gate.tops();
  const single = tops.length === 1 && tops[0]?.kind === 'folder' ? tops[0].path : '.';
  const chosen = unpacking.root ?? single;
  const root = chosen === '.' ? '' : chosen;
  if (root !== '' && gate.kindOf(root) !== 'folder')
    gate.refuse(root, 'is not the folder that the package names as root');
  const inside = ({ path }: { path: string }) => root === '' || path.startsWith(`${root}/`);
  const relative = (path: string) => (root === '' ? path : path.slice(root.length + 1));
  const links = [...written.links.values()].filter(inside);
  for (const link of links) {
    const reason = linkRefusal(link, root, gate, written.links);
    if (reason !== undefined) gate.refuse(link.path, reason);
  }
  if (gate.kindOf(root === '' ? RECORD_FILE : `${root}/${RECORD_FILE}`)) gate.refuse(RECORD_FILE, 'is a reserved name');
  const entries = [
    ...written.entries.filter(inside),
    ...links.map(({ path, target }) => ({ path, sha256: createHash('sha256').update(`link:${target}`).digest('hex') })),
  ].map(({ path, sha256 }) => ({ path: relative(path), sha256 }));
  if (entries.length === 0 && gate.refusals.length === 0) gate.refuse(root === '' ? '.' : root, 'holds no file');
  if (gate.refusals.length > 0) throw new PackageRefusedError(name, gate.refusals);

  const folders = new Set<string>();
  for (const { path, target } of links) {
    await makeFolders(staging, dirname(path), folders);
    await symlink(target, join(staging, path));
  }
  const record = { digest, contentDigest: contentDigest(entries), files: entries.length, bytes: written.bytes };
  const folder = join(staging, root);
  await writeDurably(join(folder, RECORD_FILE), `${JSON.stringify(record)}\n`);
  await chmod(folder, 0o755);
  await rename(folder, into).catch((error: NodeJS.ErrnoException) => {
    throw ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(error.code ?? '') ? new PackageTargetError(name, into) : error;
  });
  await syncDirectory(dirname(into));
  return { ...record, path: into };
}

async function makeFolders(staging: string, path: string, made: Set<string>): Promise<void> {
  if (path === '.' || made.has(path)) return;
  await makeFolders(staging, dirname(path), made);
  await mkdir(join(staging, path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  // Whatever the agent's umask is, the user of the service has to read it.
  await chmod(join(staging, path), 0o755);
  made.add(path);
}

/** What a folder says about itself; undefined when there is no such folder. */
async function readRecord(folder: string): Promise<Omit<UnpackedPackage, 'path'> | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, RECORD_FILE), 'utf8')) as Omit<UnpackedPackage, 'path'>;
  } catch {
    return undefined;
  }
}
