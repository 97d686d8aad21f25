import { X509Certificate } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import type { Clock, Logger } from '@stackyard/kernel';
import type { Pool } from 'pg';
import { AgentCertificates, type SignedCertificate } from './agentCertificates.ts';
import { Authorities } from './authorities.ts';
import { agentCertificate, pemOf } from './certificates.ts';
import { AgentsBehindError } from './errors.ts';
import { keyOfRequest } from './request.ts';
import { possibleSteps, type RotationPhase, type RotationStep } from './rotation.ts';
import type { Caller } from './caller.ts';
import { ServerLeaf } from './serverLeaf.ts';

export interface IdentityOptions {
  /** Holds the authorities, 0700. */
  readonly dir: string;
  readonly installId: string;
  readonly sql: Pool;
  readonly clock: Clock;
  readonly log: Logger;
  /** DNS names and addresses for the server's certificate, besides those of the machine. */
  readonly names?: readonly string[];
  /** Of the certificates of agents and of the server. */
  readonly certificateLifeMs?: number;
}

/** What an operator sees of the authority and of how far its rotation is. */
export interface AuthorityStatus {
  readonly phase: RotationPhase;
  /** SHA-256 (DER, hex) of the authority that signs now. */
  readonly issuing: string;
  readonly trusted: readonly { readonly sha256: string; readonly expiresAt: Date }[];
  readonly possible: readonly RotationStep[];
  /** Hosts that the next step, or the one back, would cut off. */
  readonly behind: readonly string[];
}

export const WEEK_MS = 7 * 86_400_000;

/** Who this server is, and by which certificates its agents are known. */
export class Identity {
  readonly installId: string;
  readonly certificates: AgentCertificates;
  readonly leaf: ServerLeaf;
  readonly #authorities: Authorities;
  readonly #lifeMs: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #listeners = new Set<() => void>();

  private constructor(options: IdentityOptions, authorities: Authorities) {
    const { installId, sql, clock, log, names = [], certificateLifeMs = WEEK_MS } = options;
    this.installId = installId;
    this.certificates = new AgentCertificates(sql);
    this.#authorities = authorities;
    this.#lifeMs = certificateLifeMs;
    this.#clock = clock;
    this.#log = log;
    const all = [...new Set([...machineNames(), ...names])];
    this.leaf = new ServerLeaf({ authorities, installId, names: all, lifeMs: certificateLifeMs, clock, log });
  }

  /** @throws AuthorityElsewhereError, AuthorityDamagedError */
  static async open(options: IdentityOptions): Promise<Identity> {
    const { dir, installId, clock } = options;
    const identity = new Identity(options, await Authorities.open(dir, { installId, now: clock.now() }));
    await identity.leaf.renew();
    return identity;
  }

  /** SHA-256 (DER, hex) of the authority that signs now: hosts that join pin it. */
  get issuingSha256(): string {
    return this.#authorities.issuing.sha256;
  }

  /** Of all authorities that agents are to trust. */
  get trustedSha256(): readonly string[] {
    return this.#authorities.trusted.map(({ sha256 }) => sha256);
  }

  /** PEM of all authorities that agents are to trust, the one that signs first. */
  get trustedPem(): string {
    return this.#authorities.trusted.map(({ pem }) => pem).join('');
  }

  /** The certificates of all authorities that are trusted. */
  get trusted(): readonly X509Certificate[] {
    return this.#authorities.trusted.map(({ pem }) => new X509Certificate(pem));
  }

  get certificateLifeMs(): number {
    return this.#lifeMs;
  }

  /**
   * A certificate for an agent. It is good for nothing until it is on record.
   *
   * @param request PKCS #10, DER
   * @throws RequestRefusedError
   */
  async sign(agentId: string, request: Uint8Array): Promise<SignedCertificate> {
    const { issuing } = this.#authorities;
    const issuedAt = this.#clock.now();
    const certificate = await agentCertificate(issuing, await keyOfRequest(request), {
      installId: this.installId,
      agentId,
      now: issuedAt,
      lifeMs: this.#lifeMs,
    });
    return {
      serial: certificate.serialNumber.toLowerCase(),
      authority: issuing.sha256,
      issuedAt,
      expiresAt: certificate.notAfter,
      pem: pemOf(certificate),
    };
  }

  /** Whether the certificate of a caller, which TLS or the listener has verified, is one that is taken. */
  async accepts(caller: Caller, certificate: X509Certificate): Promise<boolean> {
    if (await this.certificates.isGood(caller)) return true;
    const authority = this.#authorities.trusted.find(({ pem }) => certificate.checkIssued(new X509Certificate(pem)));
    if (!authority) return false;
    const { validFromDate: issuedAt, validToDate: expiresAt } = certificate;
    const adopted = await this.certificates.adopt(caller, { authority: authority.sha256, issuedAt, expiresAt });
    if (adopted)
      this.#log.warn({ ...caller }, 'A certificate was taken that is not on record, as after a restored backup');
    return adopted;
  }

  async authorityStatus(): Promise<AuthorityStatus> {
    const { rotation, issuing, trusted } = this.#authorities;
    return {
      phase: rotation.phase,
      issuing: issuing.sha256,
      trusted: trusted.map(({ sha256, certificate }) => ({ sha256, expiresAt: certificate.notAfter })),
      possible: possibleSteps(rotation.phase),
      behind:
        rotation.phase === 'SETTLED' ? [] : await this.#behind(rotation.phase === 'SWITCHED' ? 'finish' : 'switch'),
    };
  }

  /**
   * Takes a step of a rotation of the authority; what listeners are told is durable.
   *
   * @throws RotationStepError; AgentsBehindError unless forced, when agents would be cut off
   */
  async rotate(step: RotationStep, { force = false } = {}): Promise<void> {
    const hosts = force ? [] : await this.#behind(step);
    if (hosts.length > 0) throw new AgentsBehindError({ step, hosts, why: whyBehind(step) });
    await this.#authorities.step(step, this.#clock.now());
    await this.leaf.renew();
    for (const listener of this.#listeners) listener();
  }

  /** Calls back when agents are to trust others, or to renew; returns its undo. */
  onRotated(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
    this.leaf.stop();
  }

  /** Hosts that could not talk to the server after a step. */
  async #behind(step: RotationStep): Promise<string[]> {
    const { phase, current, next = '' } = this.#authorities.rotation;
    const now = this.#clock.now();
    if (step === 'switch') return this.certificates.hostsNotTrusting(next, now);
    if (step === 'finish') return this.certificates.hostsNotOf(next, now);
    if (step === 'rollback' && phase === 'INTRODUCED') return this.certificates.hostsNotOf(current, now);
    return [];
  }
}

function whyBehind(step: RotationStep): string {
  return step === 'switch' ? 'do not trust the new authority yet' : 'hold a certificate of the other authority';
}

/** What this machine may be called by: for clients that look at names, as the join script does. */
function machineNames(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  // A zone belongs to this machine only.
  return ['localhost', hostname(), ...addresses.map(({ address }) => address.split('%')[0]!)].filter(isName);
}

/** A machine may have a name that no certificate can hold. */
function isName(name: string): boolean {
  return /^[A-Za-z0-9_.:-]{1,253}$/.test(name);
}
