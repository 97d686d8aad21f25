import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Inflate } from '@stackyard/sdk/artifact/unpack';
import type { StackManifest } from '@stackyard/sdk/manifest';
import { DigestMismatchError, DownloadFailedError } from '../errors.ts';
import { SingleFlight } from '../packages/singleFlight.ts';
import { writeDurably } from '../spool/durable.ts';
import { inflateApart } from './inflate.ts';
import { digestName, sha256, verifyBytes } from './digest.ts';

/** An unpacked artifact of a stack on this host. */
export interface StoredArtifact {
  readonly digest: string;
  readonly dir: string;
}

export interface ArtifactSource {
  read(digest: string, offset: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** `sha256-…` of every file, by path. */
interface ArtifactRecord {
  readonly digest: string;
  readonly files: Readonly<Record<string, string>>;
}

/** In the directory of an artifact: what its files were when it came. */
export const ARTIFACT_RECORD = '.stackyard-artifact.json';
const MAX_BYTES = 64 * 1024 * 1024;

/** Artifacts of stacks, kept by digest: verified before they are unpacked, and again before each use. */
export class ArtifactStore {
  readonly #dir: string;
  readonly #source: ArtifactSource;
  readonly #inflate: Inflate;
  readonly #flights = new SingleFlight<never, StoredArtifact>();

  constructor(dir: string, source: ArtifactSource, inflate: Inflate = inflateApart) {
    this.#dir = dir;
    this.#source = source;
    this.#inflate = inflate;
  }

  /** The artifact, fetched unless it is there. @throws DigestMismatchError, DownloadFailedError */
  async ensure(digest: string, signal: AbortSignal): Promise<{ artifact: StoredArtifact; fetched: boolean }> {
    const artifact = { digest, dir: join(this.#dir, digestName(digest)) };
    // Whoever uses it verifies it anew, in the process that uses it.
    if (existsSync(join(artifact.dir, ARTIFACT_RECORD))) return { artifact, fetched: false };
    await this.#flights.run(digest, (shared) => this.#fetch(artifact, shared), { signal });
    return { artifact, fetched: true };
  }

  /** Removes artifacts that somebody changed, so that the next use fetches them again. */
  async dropDamaged(): Promise<void> {
    for (const name of await readdir(this.#dir).catch(() => [])) {
      const dir = join(this.#dir, name);
      const intact = await readRecord(dir)
        .then(
          ({ digest }) => verifyArtifact({ digest, dir }).then(() => true),
          () => false,
        )
        .catch(() => false);
      if (!intact) await rm(dir, { recursive: true, force: true });
    }
  }

  /** Removes every artifact that is not among these. */
  async keepOnly(digests: Iterable<string>): Promise<void> {
    const kept = new Set([...digests].map(digestName));
    for (const name of await readdir(this.#dir).catch(() => [])) {
      const digest = name.replace(/\..*$/, '');
      if (!kept.has(digest)) await rm(join(this.#dir, name), { recursive: true, force: true });
    }
  }

  async #fetch(artifact: StoredArtifact, signal: AbortSignal): Promise<StoredArtifact> {
    const bytes = await this.#receive(artifact.digest, signal);
    verifyBytes('The artifact of the stack', artifact.digest, bytes);
    // Loaded only here: an agent fetches an artifact once and then has no use for it.
    const { unpackArtifact } = await import('@stackyard/sdk/artifact/unpack');
    const files = await unpackArtifact('of the task', bytes, { inflate: this.#inflate });
    const staging = `${artifact.dir}.unpacking`;
    await rm(staging, { recursive: true, force: true });
    const record: ArtifactRecord = {
      digest: artifact.digest,
      files: Object.fromEntries(files.map(({ path, content }) => [path, sha256(content)])),
    };
    for (const { path, content, executable } of files) {
      await mkdir(join(staging, path, '..'), { recursive: true, mode: 0o700 });
      await writeFile(join(staging, path), content, { mode: executable ? 0o500 : 0o400, flag: 'wx' });
    }
    await writeDurably(join(staging, ARTIFACT_RECORD), JSON.stringify(record));
    await rm(artifact.dir, { recursive: true, force: true });
    await rename(staging, artifact.dir);
    return artifact;
  }

  /** An artifact is small: a transfer that broke off goes on from memory. */
  async #receive(digest: string, signal: AbortSignal): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for (let fruitless = 0; ;) {
      const before = size;
      try {
        for await (const chunk of this.#source.read(digest, size, signal)) {
          chunks.push(chunk);
          size += chunk.length;
          if (size > MAX_BYTES) throw new DownloadFailedError('The artifact of the stack', 'it is larger than 64 MiB');
        }
        return Buffer.concat(chunks);
      } catch (error) {
        fruitless = size > before ? 0 : fruitless + 1;
        if (signal.aborted || error instanceof DownloadFailedError) throw error;
        if (fruitless > 3)
          throw new DownloadFailedError('The artifact of the stack', (error as Error).message, { cause: error });
      }
    }
  }
}

async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** @throws DigestMismatchError when a file was changed, added or removed since it was unpacked */
export async function verifyArtifact({ digest, dir }: StoredArtifact): Promise<void> {
  const [record, files] = await Promise.all([readRecord(dir), filesBelow(dir)]);
  const present = files.filter((file) => relative(dir, file) !== ARTIFACT_RECORD);
  const digests = await Promise.all(
    present.map(async (file) => [relative(dir, file), sha256(await readFile(file))] as const),
  );
  compare({ digest, dir }, record, new Map(digests));
}

/**
 * The same in one go, for a process that waits for nothing else; gives back the bytes of its files as they were verified.
 * @throws DigestMismatchError
 */
export function readVerified({ digest, dir }: StoredArtifact): ReadonlyMap<string, Buffer> {
  const record = JSON.parse(readFileSync(join(dir, ARTIFACT_RECORD), 'utf8')) as ArtifactRecord;
  const paths = filesIn(dir).filter((path) => path !== ARTIFACT_RECORD);
  const files = new Map(paths.map((path) => [path, readFileSync(join(dir, path))]));
  compare({ digest, dir }, record, new Map([...files].map(([path, bytes]) => [path, sha256(bytes)])));
  return files;
}

/** Paths below a directory. `readdir` that goes down itself asks for each entry what it is, although its directory says so. */
function filesIn(dir: string, below = ''): string[] {
  return readdirSync(join(dir, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    return entry.isDirectory() ? filesIn(dir, path) : entry.isFile() ? [path] : [];
  });
}

function compare({ digest, dir }: StoredArtifact, record: ArtifactRecord, found: ReadonlyMap<string, string>): void {
  const expected = Object.entries(record.files);
  if (record.digest !== digest || found.size !== expected.length) {
    throw new DigestMismatchError(`The artifact in ${dir}`, digest, 'another set of files');
  }
  for (const [path, wanted] of expected) {
    const is = found.get(path) ?? 'no such file';
    if (is !== wanted) throw new DigestMismatchError(`${path} of the artifact in ${dir}`, wanted, is);
  }
}

async function readRecord(dir: string): Promise<ArtifactRecord> {
  return JSON.parse(await readFile(join(dir, ARTIFACT_RECORD), 'utf8')) as ArtifactRecord;
}

export async function readManifest({ dir }: StoredArtifact): Promise<StackManifest> {
  return JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8')) as StackManifest;
}

/** Sources of templates by their path under templates/. */
export async function readTemplates({ dir }: StoredArtifact): Promise<Record<string, string>> {
  const root = join(dir, 'templates');
  if (!existsSync(root)) return {};
  const templates: Record<string, string> = {};
  for (const path of await filesBelow(root)) {
    templates[relative(root, path).split(sep).join('/')] = await readFile(path, 'utf8');
  }
  return templates;
}

/** The module with the stack's functions, where it has any. */
export const LIFECYCLE = 'lifecycle.mjs';

export function lifecycleFile({ dir }: StoredArtifact): string {
  return join(dir, LIFECYCLE);
}

export function scriptFile(artifact: StoredArtifact, path: string): string {
  const file = join(artifact.dir, path);
  if (!file.startsWith(`${artifact.dir}/`) || dirname(file) === artifact.dir) {
    throw new DownloadFailedError(
      `The script ${JSON.stringify(path)}`,
      'it must be a file of a folder of the stack, such as scripts/x.sh',
    );
  }
  return file;
}
