import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  type Artifact,
  artifactDigest,
  ArtifactError,
  MAX_ARTIFACT,
  parseSignatures,
  readArtifact,
  type SignatureDocument,
  SIGNATURES_SUFFIX,
  SigningError,
  verifySignatures,
} from '@stackyard/sdk/artifact';
import type { StackManifest } from '@stackyard/sdk/manifest';
import type { EntityManager } from '@mikro-orm/postgresql';
import { type OriginKind, Service, Stack, StackPin, type StackRow } from '../database/entities.ts';
import type { Transactions } from '../engine/ports.ts';
import { admit, type Allow, judge, type Refusal } from '../trust/decide.ts';
import { StackDamagedError, StackUntrustedError } from '../trust/errors.ts';
import type { Trust } from '../trust/trust.ts';
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
   * Installs a built artifact: its size, its digest and its signatures are judged before a byte of it is parsed. The same
   * digest again is no change, but takes a signature that was not known before.
   *
   * @throws StackUntrustedError, StackDamagedError, StackRefusedError; StackConflictError when services run from this
   *   version with other contents.
   */
  install(installation: Installation): Promise<StackRow>;
}

/** An artifact to install, and what is known of it before it is read. */
export interface Installation {
  readonly file: string;
  readonly origin: OriginKind;
  /** The origin's own words, such as the URL of a registry; without credentials. */
  readonly source?: string | undefined;
  /** The name of who installs it. */
  readonly by: string;
  /** What it has to be: `sha512-<hex>`. */
  readonly digest?: string | undefined;
  /** What was asked for. An allowance by name and version needs it. */
  readonly claimed?: { readonly name: string; readonly version: string } | undefined;
  /** The text of its signatures; what lies beside the file as `<file>.sig.json` when absent. */
  readonly signatures?: string | undefined;
  readonly allow?: Allow | undefined;
}

export class DatabaseStackStore implements StackStore {
  readonly #em: () => EntityManager;
  readonly #transactions: Transactions;
  readonly #dir: string;
  readonly #check: (manifest: StackManifest) => void;
  readonly #trust: Trust;
  /** Artifacts never change under their digest, so what was read once is read for good. */
  readonly #read = new Map<string, Promise<Artifact>>();
  #rows: readonly StackRow[] | undefined;

  constructor(options: {
    em: () => EntityManager;
    transactions: Transactions;
    dir: string;
    check: (manifest: StackManifest) => void;
    trust: Trust;
  }) {
    this.#em = options.em;
    this.#transactions = options.transactions;
    this.#dir = options.dir;
    this.#check = options.check;
    this.#trust = options.trust;
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

  async install(installation: Installation): Promise<StackRow> {
    const staged = await this.#stage(installation.file);
    try {
      return await this.#installStaged(staged, installation);
    } finally {
      await rm(staged, { force: true });
    }
  }

  /** From a copy that nobody else can change between the steps. */
  async #installStaged(staged: string, installation: Installation): Promise<StackRow> {
    const { origin, source, by, claimed, allow = {} } = installation;
    const what = claimed ? `${claimed.name}@${claimed.version}` : installation.file;
    const digest = await sealed(staged, installation);
    const signatures = await signaturesOf(installation);
    const verified = verifySignatures(digest, signatures ?? [], await this.#trust.trusted());
    const [policy, allowances] = await Promise.all([this.#trust.policy(), this.#trust.allowances()]);
    const admission = admit({ digest, verified, policy, origin, claimed, allowances });
    if ('refusal' in admission) throw refused(what, digest, admission.refusal);
    const { basis } = admission;
    const artifact = await readArtifact(staged, { digest }).catch((error: unknown) => {
      throw error instanceof ArtifactError ? damaged(error.reason, installation.file, error) : error;
    });
    this.#check(artifact.manifest);
    const { name, version } = artifact.manifest;
    const row = {
      id: randomUUID(),
      name,
      version,
      digest,
      size: artifact.size,
      manifest: artifact.manifest,
      origin,
      source: source ?? null,
      basis,
      publisher: verified.verdict === 'trusted' ? verified.publisher : null,
      keyId: verified.verdict === 'trusted' ? verified.keyId : null,
      signatures: signatures ?? null,
      installedBy: by,
      installedAt: new Date(),
    };
    const judged = async (em: EntityManager): Promise<StackRow | undefined> => {
      const [pins, there] = await Promise.all([em.find(StackPin, { name }), em.find(Stack, { name })]);
      const same = there.find((each) => each.version === version);
      const installed = there.filter((each) => each !== same).map((each) => each.version);
      const found = { name, version, digest };
      const refusal = judge({ found, verified, basis, claimed, allow, pins, installed });
      if (refusal) throw refused(what, digest, refusal);
      return same;
    };
    // Once before the file is kept, and once more where nobody else can install anything meanwhile.
    await judged(this.#em());
    await rename(staged, this.#path(digest));
    const stored = await this.#transactions.run(async (tx) => {
      const same = await judged(tx.em);
      if (same?.digest === digest && (row.keyId === null || same.keyId !== null)) return same;
      const pin = { name, version, digest, publisher: row.publisher, pinnedAt: row.installedAt };
      await tx.em.upsert(StackPin, pin);
      // It was unsigned, and now somebody is known to have signed it.
      if (same?.digest === digest)
        return Object.assign(same, { basis, publisher: row.publisher, keyId: row.keyId, signatures: row.signatures });
      if (same) {
        const services = await tx.em.count(Service, { stackDigest: same.digest });
        if (services > 0) throw new StackConflictError({ name, version, services });
        await tx.em.nativeDelete(Stack, { id: same.id });
      }
      tx.event('stack', undefined, { kind: 'stack', name, version, change: 'installed' });
      return tx.em.create(Stack, row);
    });
    this.#rows = undefined;
    return stored;
  }

  /** A copy of a file that is not too large. */
  async #stage(file: string): Promise<string> {
    const { size } = await stat(file).catch((error: NodeJS.ErrnoException) => {
      throw damaged(`it cannot be read (${error.code})`, file, error);
    });
    if (size > MAX_ARTIFACT) throw damaged(`it has ${size} bytes, more than ${MAX_ARTIFACT}`, file);
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const staged = join(this.#dir, `.${randomUUID()}`);
    await copyFile(file, staged);
    return staged;
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

/** The digest of a file as it is. @throws StackUntrustedError when it is to be another */
async function sealed(staged: string, { file, digest: wanted }: Installation): Promise<string> {
  const digest = artifactDigest(await readFile(staged));
  if (wanted === undefined || wanted === digest) return digest;
  const reason = `its digest is ${digest} and not ${wanted}`;
  throw refused(file, digest, { code: 'OTHER_ARTIFACT', reason, remedy: 'Get it anew.' });
}

async function signaturesOf({ file, signatures }: Installation): Promise<SignatureDocument[] | undefined> {
  const text = signatures ?? (await readFile(`${file}${SIGNATURES_SUFFIX}`, 'utf8').catch(whenAbsent));
  if (text === undefined) return undefined;
  try {
    return parseSignatures(text);
  } catch (error) {
    throw error instanceof SigningError ? damaged(error.message, file, error) : error;
  }
}

function whenAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function refused(what: string, digest: string, { code, reason, remedy }: Refusal): StackUntrustedError {
  return new StackUntrustedError({ what, digest, rule: code, reason, remedy });
}

function damaged(reason: string, file: string, cause?: unknown): StackDamagedError {
  return new StackDamagedError(
    { reason: `The artifact ${basename(file)} cannot be used: ${reason.replace(/\.$/, '')}.` },
    { cause },
  );
}
