import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
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
  type Verified,
  verifySignatures,
} from '@stackyard/sdk/artifact';
import type { StackManifest } from '@stackyard/sdk/manifest';
import type { StackyardError } from '@stackyard/kernel';
import type { EntityManager } from '@mikro-orm/postgresql';
import { type Basis, type OriginKind, Stack, StackPin, type StackRow } from '../database/entities.ts';
import type { Transaction, Transactions } from '../engine/ports.ts';
import { admit, type Allow, judge, type Refusal } from '../trust/decide.ts';
import { StackDamagedError, StackUntrustedError } from '../trust/errors.ts';
import type { Trust } from '../trust/trust.ts';
import { StackConflictError, StackInUseError, StackNotFoundError, StackRefusedError } from './errors.ts';
import { usedDigests, usersOf } from './users.ts';

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
  /** Installs all of them at once, or none. */
  installAll(installations: readonly Installation[]): Promise<StackRow[]>;
  /** What installing it would come to, without a trace: a refusal is told and not thrown. */
  examine(installation: Installation): Promise<Examined>;
  /** Takes down which versions of a stack their author no longer recommends; the others are not deprecated. */
  deprecate(name: string, deprecated: readonly { readonly version: string; readonly message: string }[]): Promise<void>;
  /** Of installed stacks whose key was revoked since: who had signed them, by digest. */
  revoked(): Promise<ReadonlyMap<string, { readonly publisher: string; readonly keyId: string }>>;
  /**
   * Takes a version out of the list. Its artifact stays for the sweep at the next start: a command that was being planned
   * meanwhile may still have named it.
   *
   * @throws StackNotFoundError; StackInUseError while something is to run from it, or still does.
   */
  remove(id: string): Promise<void>;
  /** Deletes artifacts that nothing names any more. */
  sweep(): Promise<void>;
}

/** What planning asks of the installed stacks. */
export type PlanningStacks = Pick<StackStore, 'list' | 'manifest' | 'templates' | 'revoked'>;

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
  /** What its author says instead of recommending it. */
  readonly deprecated?: string | undefined;
}

/** What an artifact is, as far as it may be read, and what installing it would change. */
export interface Examined {
  /** Absent where nobody has said what it is, and it was refused before it was read. */
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly digest: string;
  readonly manifest?: StackManifest | undefined;
  readonly basis?: Basis | undefined;
  readonly publisher?: string | undefined;
  readonly deprecated?: string | undefined;
  readonly refusal?: StackyardError | undefined;
  /** Of this version: not there, there with these contents, or there with others. */
  readonly state: 'new' | 'installed' | 'replaces';
  /** The versions of this stack that are installed. */
  readonly before: readonly StackRow[];
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

  async examine(installation: Installation): Promise<Examined> {
    return this.#staged([installation], ([file = '']) => this.#examine(file, installation));
  }

  async install(installation: Installation): Promise<StackRow> {
    const [row] = await this.installAll([installation]);
    return row!;
  }

  async installAll(installations: readonly Installation[]): Promise<StackRow[]> {
    return this.#staged(installations, async (files) => {
      const candidates: Candidate[] = [];
      for (const [index, file] of files.entries()) {
        const candidate = await this.#candidate(file, installations[index]!);
        // Once before the file is kept, and once more where nobody else can install anything meanwhile.
        await judged(this.#em(), candidate);
        candidates.push(candidate);
      }
      for (const [index, { row }] of candidates.entries()) await rename(files[index]!, this.#path(row.digest));
      const rows = await this.#transactions.run(async (tx) => {
        const stored: StackRow[] = [];
        for (const candidate of candidates) stored.push(await store(tx, candidate));
        return stored;
      });
      this.#rows = undefined;
      return rows;
    });
  }

  async deprecate(name: string, deprecated: readonly { version: string; message: string }[]): Promise<void> {
    const messages = new Map(deprecated.map(({ version, message }) => [version, message]));
    const changed = (await this.list()).filter(
      (row) => row.name === name && (row.deprecated ?? null) !== (messages.get(row.version) ?? null),
    );
    if (changed.length === 0) return;
    await this.#transactions.run(async ({ em }) => {
      for (const { id, version } of changed)
        await em.nativeUpdate(Stack, { id }, { deprecated: messages.get(version) ?? null });
    });
    this.#rows = undefined;
  }

  async revoked(): Promise<ReadonlyMap<string, { publisher: string; keyId: string }>> {
    const signed = (await this.list()).flatMap(({ digest, publisher, keyId }) =>
      publisher && keyId ? [[digest, { publisher, keyId }] as const] : [],
    );
    if (signed.length === 0) return new Map();
    const states = await this.#trust.keyStates();
    return new Map(signed.filter(([, { keyId }]) => states.get(keyId) === 'revoked'));
  }

  async #examine(file: string, installation: Installation): Promise<Examined> {
    const { claimed, deprecated } = installation;
    let candidate: Candidate | undefined;
    try {
      candidate = await this.#candidate(file, installation);
      const { row } = candidate;
      const same = await judged(this.#em(), candidate);
      if (same && same.digest !== row.digest) await refuseInUse(this.#em(), same);
      // Its author may have deprecated it since it was installed.
      const shown = same && isKept(same, row) ? { ...same, deprecated: row.deprecated ?? same.deprecated } : row;
      return { ...seen(shown), before: await this.#versionsOf(row.name), state: stateOf(same, row.digest) };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const before = await this.#versionsOf(candidate?.row.name ?? claimed?.name);
      const known = candidate ? seen(candidate.row) : { ...claimed, digest: await digestOf(file), deprecated };
      return { ...known, before, state: 'new', refusal: error };
    }
  }

  async remove(id: string): Promise<void> {
    const row = (await this.list()).find((stack) => stack.id === id);
    if (!row) throw new StackNotFoundError({ stack: id });
    const { name, version, digest } = row;
    await this.#transactions.run(async (tx) => {
      const users = await usersOf(tx.em, digest);
      if (users.length > 0) throw new StackInUseError({ name, version, users });
      await tx.em.nativeDelete(Stack, { id });
      tx.event('stack', undefined, { kind: 'stack', name, version, change: 'removed' });
    });
    this.#rows = undefined;
  }

  async sweep(): Promise<void> {
    const used = await usedDigests(this.#em());
    for (const file of await readdir(this.#dir).catch(() => [])) {
      const [, digest] = /^(sha512-[0-9a-f]{128})\.tgz$/.exec(file) ?? [];
      if (digest !== undefined && !used.has(digest)) await rm(join(this.#dir, file), { force: true });
    }
  }

  /** Judges and reads a file that nobody else can change between the steps. */
  async #candidate(file: string, installation: Installation): Promise<Candidate> {
    const { origin, source, by, claimed, deprecated, allow = {} } = installation;
    const what = labelOf(installation);
    const digest = await sealed(file, installation);
    const signatures = await signaturesOf(installation);
    const verified = verifySignatures(digest, signatures ?? [], await this.#trust.trusted());
    const [policy, allowances] = await Promise.all([this.#trust.policy(), this.#trust.allowances()]);
    const installed = (await this.list()).find((each) => each.digest === digest)?.basis;
    const admission = admit({ digest, verified, policy, origin, claimed, allowances, installed });
    if ('refusal' in admission) throw refused(what, digest, admission.refusal);
    const artifact = await readArtifact(file, { digest }).catch((error: unknown) => {
      throw error instanceof ArtifactError ? damaged(error.reason, labelOf(installation), error) : error;
    });
    const row = {
      id: randomUUID(),
      name: artifact.manifest.name,
      version: artifact.manifest.version,
      digest,
      size: artifact.size,
      manifest: artifact.manifest,
      origin,
      source: source ?? null,
      deprecated: deprecated ?? null,
      basis: admission.basis,
      publisher: verified.verdict === 'trusted' ? verified.publisher : null,
      keyId: verified.verdict === 'trusted' ? verified.keyId : null,
      signatures: signatures ?? null,
      installedBy: by,
      installedAt: new Date(),
    };
    this.#check(artifact.manifest);
    return { row, what, verified, claimed, allow };
  }

  async #versionsOf(name: string | undefined): Promise<readonly StackRow[]> {
    return (await this.list()).filter((row) => row.name === name);
  }

  /** Copies of files that are not too large, as long as they are worked on. */
  async #staged<T>(installations: readonly Installation[], work: (files: readonly string[]) => Promise<T>): Promise<T> {
    const files: string[] = [];
    try {
      for (const { file } of installations) files.push(await this.#stage(file));
      return await work(files);
    } finally {
      for (const file of files) await rm(file, { force: true });
    }
  }

  /** A copy of a file that is not too large. */
  async #stage(file: string): Promise<string> {
    const { size } = await stat(file).catch((error: NodeJS.ErrnoException) => {
      throw damaged(`it cannot be read (${error.code})`, basename(file), error);
    });
    if (size > MAX_ARTIFACT) throw damaged(`it has ${size} bytes, more than ${MAX_ARTIFACT}`, basename(file));
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

/** An artifact that was read, and what it is judged by. */
interface Candidate {
  readonly row: Omit<StackRow, symbol>;
  readonly what: string;
  readonly verified: Verified;
  readonly claimed: Installation['claimed'];
  readonly allow: Allow;
}

/** @returns the row of this version that is there. @throws StackUntrustedError */
async function judged(em: EntityManager, candidate: Candidate): Promise<StackRow | undefined> {
  const { row, what, verified, claimed, allow } = candidate;
  const { name, version, digest, basis } = row;
  const [pins, there] = await Promise.all([em.find(StackPin, { name }), em.find(Stack, { name })]);
  const same = there.find((each) => each.version === version);
  const installed = there.filter((each) => each !== same).map((each) => each.version);
  const found = { name, version, digest };
  const refusal = judge({ found, verified, basis, claimed, allow, pins, installed, there: same?.digest });
  if (refusal) throw refused(what, digest, refusal);
  return same;
}

async function store(tx: Transaction, candidate: Candidate): Promise<StackRow> {
  const { row } = candidate;
  const { name, version, digest, publisher, keyId, basis, signatures } = row;
  const same = await judged(tx.em, candidate);
  if (same && isKept(same, row)) return same;
  await tx.em.upsert(StackPin, { name, version, digest, publisher, pinnedAt: row.installedAt });
  // It was unsigned, and now somebody is known to have signed it.
  if (same?.digest === digest) return Object.assign(same, { basis, publisher, keyId, signatures });
  if (same) {
    await refuseInUse(tx.em, same);
    await tx.em.nativeDelete(Stack, { id: same.id });
  }
  tx.event('stack', undefined, { kind: 'stack', name, version, change: 'installed' });
  return tx.em.create(Stack, row);
}

/** Whether what is installed stays as it is: the same contents, and no signature that it has not got. */
function isKept(same: StackRow, { digest, keyId }: Candidate['row']): boolean {
  return same.digest === digest && (keyId === null || same.keyId !== null);
}

/** @throws StackConflictError */
async function refuseInUse(em: EntityManager, { name, version, digest }: StackRow): Promise<void> {
  const users = await usersOf(em, digest);
  if (users.length > 0) throw new StackConflictError({ name, version, users });
}

function stateOf(same: StackRow | undefined, digest: string): Examined['state'] {
  if (!same) return 'new';
  return same.digest === digest ? 'installed' : 'replaces';
}

function seen({ name, version, digest, manifest, basis, publisher, deprecated }: Candidate['row']) {
  return {
    name,
    version,
    digest,
    manifest,
    basis,
    publisher: publisher ?? undefined,
    deprecated: deprecated ?? undefined,
  };
}

const refusals = [StackUntrustedError, StackDamagedError, StackRefusedError, StackConflictError];

/** Whether it says that a stack is not let in, and not that something went wrong. */
function isRefusal(error: unknown): error is StackyardError {
  return refusals.some((each) => error instanceof each);
}

/** What people know it by; the file may be a copy of ours. */
function labelOf({ claimed, source, file }: Installation): string {
  return claimed ? `${claimed.name}@${claimed.version}` : basename(source ?? file);
}

async function digestOf(file: string): Promise<string> {
  return artifactDigest(await readFile(file));
}

/** The digest of a file as it is. @throws StackUntrustedError when it is to be another */
async function sealed(staged: string, installation: Installation): Promise<string> {
  const { digest: wanted } = installation;
  const digest = await digestOf(staged);
  if (wanted === undefined || wanted === digest) return digest;
  const reason = `its digest is ${digest} and not ${wanted}`;
  throw refused(labelOf(installation), digest, { code: 'OTHER_ARTIFACT', reason, remedy: 'Get it anew.' });
}

async function signaturesOf(installation: Installation): Promise<SignatureDocument[] | undefined> {
  const { file, signatures } = installation;
  const text = signatures ?? (await readFile(`${file}${SIGNATURES_SUFFIX}`, 'utf8').catch(whenAbsent));
  if (text === undefined) return undefined;
  try {
    return parseSignatures(text);
  } catch (error) {
    throw error instanceof SigningError ? damaged(error.message, labelOf(installation), error) : error;
  }
}

function whenAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function refused(what: string, digest: string, { code, reason, remedy }: Refusal): StackUntrustedError {
  return new StackUntrustedError({ what, digest, rule: code, reason, remedy });
}

function damaged(reason: string, label: string, cause?: unknown): StackDamagedError {
  return new StackDamagedError(
    { reason: `The artifact ${label} cannot be used: ${reason.replace(/\.$/, '')}.` },
    { cause },
  );
}
