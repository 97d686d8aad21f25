import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { RenewReply__Output, TrustAuthorities__Output } from '@stackyard/proto';
import type { Credentials } from '../connection/credentials.ts';
import { areAuthoritiesOf, issuerOf, sha256sOf } from './authorities.ts';
import type { Identity } from './identity.ts';
import { newRequest } from './request.ts';

export interface RenewalOptions {
  readonly credentials: Credentials;
  /** Asks by the present certificate. */
  readonly online: (request: Buffer) => Promise<RenewReply__Output>;
  /** Asks with a certificate that has expired. */
  readonly expired: (identity: Identity) => Promise<Identity>;
  readonly renewed?: (expiresAt: Date) => void;
  readonly failed?: (error: unknown) => void;
}

/** Timers stand still while a machine sleeps, and certificates do not. */
const LOOK_MS = 60_000;
const SPREAD = 0.05;
/** Between tries that fail; never so long that a short life ends before the next one. */
const RETRY_MS = { first: 500, longest: 600_000 };

/** Keeps an agent's certificate good: a new key and a new certificate at two thirds of the life of the old one. */
export class Renewal {
  readonly #options: RenewalOptions;
  #timer: NodeJS.Timeout | undefined;
  #tries = 0;
  #running = false;
  /** A fleet that joined at once does not renew at once. */
  readonly #share = Math.random() - 0.5;
  /** Who is to have signed the certificate, once the server has said so, and how soon. */
  #wanted: { readonly issuing: string; readonly withinMs: number } | undefined;
  #stopped = false;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  /** Waits until the certificate is to be renewed. */
  start(): void {
    const { certificate, authorities } = this.#options.credentials.identity;
    if (this.#wanted && issuerOf(certificate, authorities) !== this.#wanted.issuing)
      return this.#wait(Math.random() * this.#wanted.withinMs);
    const { validFromDate, validToDate } = this.#certificate;
    const from = validFromDate.getTime();
    const lifeMs = validToDate.getTime() - from;
    this.#wait(from + lifeMs * (2 / 3 + SPREAD * this.#share) - Date.now());
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /**
   * Takes over whom to trust, as the server says, and renews when another authority signs now.
   *
   * @returns the SHA-256 of every authority that is trusted from here on; undefined when what was sent makes no sense
   */
  async trust({ authorities, issuingSha256, renewWithinMs }: TrustAuthorities__Output): Promise<string[] | undefined> {
    const { credentials } = this.#options;
    const { installId, certificate } = credentials.identity;
    if (!areAuthoritiesOf(authorities, installId)) return undefined;
    const trusted = sha256sOf(authorities);
    if (trusted.join() !== sha256sOf(credentials.identity.authorities).join())
      await credentials.replace({ authorities });
    this.#wanted = { issuing: issuingSha256, withinMs: renewWithinMs };
    if (!this.#running && issuerOf(certificate, authorities) !== issuingSha256) this.start();
    return trusted;
  }

  get #certificate(): X509Certificate {
    return new X509Certificate(this.#options.credentials.identity.certificate);
  }

  #wait(afterMs: number): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    const waitMs = Math.max(0, Math.min(afterMs, LOOK_MS));
    this.#timer = setTimeout(() => {
      if (waitMs < afterMs) this.start();
      else if (!this.#running) void this.#renew();
    }, waitMs).unref();
  }

  async #renew(): Promise<void> {
    const { credentials, renewed, failed } = this.#options;
    this.#running = true;
    try {
      const next = await this.#ask();
      if (this.#stopped) return;
      await credentials.replace(next);
      this.#tries = 0;
      this.#running = false;
      renewed?.(this.#certificate.validToDate);
      this.start();
    } catch (error) {
      this.#running = false;
      failed?.(error);
      const { validFromDate, validToDate } = this.#certificate;
      const lifeMs = validToDate.getTime() - validFromDate.getTime();
      const longestMs = Math.min(RETRY_MS.longest, lifeMs / 20);
      const waitMs = Math.min(longestMs, RETRY_MS.first * 2 ** this.#tries++);
      this.#wait(waitMs * (0.5 + Math.random() / 2));
    }
  }

  async #ask(): Promise<Partial<Identity>> {
    const { credentials, online, expired } = this.#options;
    const { validToDate } = this.#certificate;
    if (validToDate.getTime() < Date.now()) {
      const { key, certificate, authorities } = await expired(credentials.identity);
      return { key, certificate, authorities };
    }
    const { key, request } = await newRequest();
    const { certificate, authorities } = await online(request);
    const { installId } = credentials.identity;
    if (
      !new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)) ||
      !areAuthoritiesOf(authorities, installId)
    )
      throw new Error('The server answered with a certificate that is not for this host.');
    return { key, certificate, authorities };
  }
}
