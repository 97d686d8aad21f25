import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { peerOf } from '@stackyard/domain';
import { X509Certificate as NodeCertificate } from 'node:crypto';
import '@stackyard/kernel';
import * as x509 from '@peculiar/x509';
import { replaceFile } from '../packages/durable.ts';
import {
  authorityCertificate,
  importSigningKey,
  newKeys,
  pemOf,
  privateKeyPem,
  sha256Of,
  type Signer,
} from './certificates.ts';
import { AuthorityDamagedError, AuthorityElsewhereError } from './errors.ts';
import { type RotationStep, stepRotation, type Rotation } from './rotation.ts';

/** An authority of this installation, ready to sign. */
export interface Authority extends Signer {
  /** Of its certificate (DER), hex. */
  readonly sha256: string;
  readonly pem: string;
}

const FORMAT = 1;

/**
 * The authorities of an installation in a folder (0700): one, or two while one takes over from the other. Which of them
 * is trusted and which signs is in `rotation.json`; each has a certificate and a key (0600) named by its SHA-256.
 */
export class Authorities {
  readonly #dir: string;
  readonly #installId: string;
  readonly #known: Map<string, Authority>;
  #rotation: Rotation;

  private constructor(dir: string, installId: string, rotation: Rotation, known: Map<string, Authority>) {
    this.#dir = dir;
    this.#installId = installId;
    this.#rotation = rotation;
    this.#known = known;
  }

  /**
   * Opens the folder; the first time, makes the first authority.
   *
   * @throws AuthorityElsewhereError, AuthorityDamagedError
   */
  static async open(dir: string, { installId, now }: { installId: string; now: Date }): Promise<Authorities> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const text = await readFile(stateFile(dir), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) {
      const first = await make(dir, { installId, now });
      const rotation: Rotation = { phase: 'SETTLED', current: first.sha256 };
      await save(dir, rotation);
      return new Authorities(dir, installId, rotation, new Map([[first.sha256, first]]));
    }
    const rotation = parseRotation(dir, text);
    const known = new Map<string, Authority>();
    for (const sha256 of trustedIn(rotation)) known.set(sha256, await load(dir, sha256, installId));
    return new Authorities(dir, installId, rotation, known);
  }

  get rotation(): Rotation {
    return this.#rotation;
  }

  /** The one that signs. */
  get issuing(): Authority {
    const { phase, current, next } = this.#rotation;
    return this.#of(phase === 'SWITCHED' && next !== undefined ? next : current);
  }

  /** All that are trusted, the one that signs first. */
  get trusted(): readonly Authority[] {
    const { issuing } = this;
    const others = trustedIn(this.#rotation).filter((sha256) => sha256 !== issuing.sha256);
    return [issuing, ...others.map((sha256) => this.#of(sha256))];
  }

  /** Goes one step on or back in a rotation, durably. @throws RotationStepError */
  async step(step: RotationStep, now: Date): Promise<void> {
    const made = step === 'start' ? await this.#prepare(now) : undefined;
    const rotation = stepRotation(this.#rotation, step, made?.sha256);
    await save(this.#dir, rotation);
    this.#rotation = rotation;
    const kept = new Set(trustedIn(rotation));
    for (const sha256 of [...this.#known.keys()].filter((each) => !kept.has(each))) {
      this.#known.delete(sha256);
      for (const file of filesOf(this.#dir, sha256)) await rm(file, { force: true });
    }
  }

  async #prepare(now: Date): Promise<Authority> {
    // Nothing is made for a step that is not possible.
    stepRotation(this.#rotation, 'start', '');
    const made = await make(this.#dir, { installId: this.#installId, now });
    this.#known.set(made.sha256, made);
    return made;
  }

  #of(sha256: string): Authority {
    const found = this.#known.get(sha256);
    if (!found) throw new Error(`The authority ${sha256} was not loaded.`);
    return found;
  }
}

function trustedIn({ current, next }: Rotation): string[] {
  return next === undefined ? [current] : [current, next];
}

function stateFile(dir: string): string {
  return join(dir, 'rotation.json');
}

function filesOf(dir: string, sha256: string): readonly [certificate: string, key: string] {
  return [join(dir, `${sha256}.pem`), join(dir, `${sha256}.key`)];
}

async function save(dir: string, rotation: Rotation): Promise<void> {
  await replaceFile(stateFile(dir), `${JSON.stringify({ format: FORMAT, ...rotation }, undefined, 2)}\n`);
}

async function make(dir: string, { installId, now }: { installId: string; now: Date }): Promise<Authority> {
  const keys = await newKeys();
  const certificate = await authorityCertificate({ installId, now }, keys);
  const [sha256, pem] = [sha256Of(certificate), pemOf(certificate)];
  const [certificateFile, keyFile] = filesOf(dir, sha256);
  await replaceFile(keyFile, privateKeyPem(keys.privateKey));
  await replaceFile(certificateFile, pem);
  return { sha256, pem, certificate, key: keys.privateKey };
}

function parseRotation(dir: string, text: string): Rotation {
  try {
    const { format, phase, current, next } = JSON.parse(text) as Rotation & { format: number };
    if (format !== FORMAT) throw new Error(`it has format ${format}, and this version reads ${FORMAT}`);
    return next === undefined ? { phase, current } : { phase, current, next };
  } catch (error) {
    throw new AuthorityDamagedError({ dir, reason: (error as Error).message }, { cause: error });
  }
}

async function load(dir: string, sha256: string, installId: string): Promise<Authority> {
  const authority = await read(dir, sha256).catch((error: unknown) => {
    throw new AuthorityDamagedError({ dir, reason: (error as Error).message }, { cause: error });
  });
  const peer = peerOf(new NodeCertificate(authority.pem).subjectAltName);
  if (peer?.role !== 'authority' || peer.installId !== installId)
    throw new AuthorityElsewhereError({ dir, found: peer?.installId ?? 'unknown', expected: installId });
  return authority;
}

async function read(dir: string, sha256: string): Promise<Authority> {
  const [certificateFile, keyFile] = filesOf(dir, sha256);
  const certificate = new x509.X509Certificate(await readFile(certificateFile, 'utf8'));
  const key = await importSigningKey(await readFile(keyFile, 'utf8'));
  if (sha256Of(certificate) !== sha256) throw new Error(`${certificateFile} is not the certificate its name says`);
  return { sha256, certificate, key, pem: pemOf(certificate) };
}
