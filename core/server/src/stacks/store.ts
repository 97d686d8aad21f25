import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Artifact, readArtifact } from '@stackyard/sdk/build';
import type { StackManifest } from '@stackyard/sdk/manifest';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Service, Stack, type StackRow } from '../database/entities.ts';
import type { Transactions } from '../engine/ports.ts';
import { StackConflictError, StackNotFoundError } from './errors.ts';

/** The installed stacks: their rows, and their artifacts kept by digest. Nothing of a stack is ever imported here. */
export interface StackStore {
  list(): Promise<readonly StackRow[]>;
  /** @throws StackNotFoundError */
  manifest(digest: string): Promise<StackManifest>;
  /** Templates by file name. */
  templates(digest: string): Promise<Readonly<Record<string, string>>>;
  /** Where the artifact lies, for agents to download. */
  open(digest: string): Promise<{ readonly path: string; readonly size: number } | undefined>;
  /**
   * Installs a built artifact; the same digest again is no change, other contents under the same version replace what
   * no service runs from.
   *
   * @throws StackConflictError when services run from this version with other contents.
   */
  install(file: string): Promise<StackRow>;
}

export class DatabaseStackStore implements StackStore {
  readonly #em: () => EntityManager;
  readonly #transactions: Transactions;
  readonly #dir: string;
  readonly #check: (manifest: StackManifest) => void;
  /** Artifacts never change under their digest, so what was read once is read for good. */
  readonly #read = new Map<string, Promise<Artifact>>();
  #rows: readonly StackRow[] | undefined;

  constructor(options: {
    em: () => EntityManager;
    transactions: Transactions;
    dir: string;
    check: (manifest: StackManifest) => void;
  }) {
    this.#em = options.em;
    this.#transactions = options.transactions;
    this.#dir = options.dir;
    this.#check = options.check;
  }

  async list(): Promise<readonly StackRow[]> {
    const rows = this.#rows ?? (await this.#em().find(Stack, {}, { orderBy: { name: 'asc', installedAt: 'asc' } }));
    this.#rows = rows;
    return rows;
  }

  async manifest(digest: string): Promise<StackManifest> {
    return (await this.#artifact(digest)).manifest;
  }

  async templates(digest: string): Promise<Readonly<Record<string, string>>> {
    return (await this.#artifact(digest)).templates;
  }

  async open(digest: string): Promise<{ path: string; size: number } | undefined> {
    // By the file and not by the row: a job may still need what another build has replaced meanwhile.
    const path = this.#path(digest);
    const size = await stat(path).then(
      (found) => found.size,
      () => undefined,
    );
    return size === undefined ? undefined : { path, size };
  }

  async install(file: string): Promise<StackRow> {
    const artifact = await readArtifact(file);
    this.#check(artifact.manifest);
    const { name, version } = artifact.manifest;
    const there = (await this.list()).find((stack) => stack.name === name && stack.version === version);
    if (there && there.digest === artifact.digest) return there;
    await this.#keep(file, artifact.digest);
    const row = {
      id: randomUUID(),
      name,
      version,
      digest: artifact.digest,
      size: (await stat(this.#path(artifact.digest))).size,
      manifest: artifact.manifest,
      installedAt: new Date(),
    };
    await this.#transactions.run(async (tx) => {
      if (there) {
        const services = await tx.em.count(Service, { stackDigest: there.digest });
        if (services > 0) throw new StackConflictError({ name, version, services });
        await tx.em.nativeDelete(Stack, { id: there.id });
      }
      tx.em.create(Stack, row);
      tx.event('stack', undefined, { kind: 'stack', name, version, change: 'installed' });
    });
    this.#rows = undefined;
    return row;
  }

  async #keep(file: string, digest: string): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const partial = join(this.#dir, `.${randomUUID()}`);
    try {
      await copyFile(file, partial);
      await rename(partial, this.#path(digest));
    } finally {
      await rm(partial, { force: true });
    }
  }

  #path(digest: string): string {
    if (!/^sha512-[0-9a-f]{128}$/.test(digest)) throw new StackNotFoundError({ stack: digest.slice(0, 40) });
    return join(this.#dir, `${digest}.tgz`);
  }

  #artifact(digest: string): Promise<Artifact> {
    const known = this.#read.get(digest);
    if (known) return known;
    const reading = readArtifact(this.#path(digest), { digest });
    reading.catch(() => this.#read.delete(digest));
    this.#read.set(digest, reading);
    return reading;
  }
}
