import type { Clock, Logger } from '@stackyard/kernel';
import type { Authorities } from './authorities.ts';
import { newKeys, pemOf, privateKeyPem, serverCertificate } from './certificates.ts';

/** What a TLS listener of the server shows and whom it trusts. PEM. */
export interface TlsMaterial {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

export interface ServerLeafOptions {
  readonly authorities: Authorities;
  readonly installId: string;
  /** DNS names and addresses of this server. */
  readonly names: readonly string[];
  readonly lifeMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const RETRY_MS = 10_000;
/** Timers stand still while a machine sleeps, and certificates do not. */
const LOOK_MS = 60_000;

/** The server's own certificate: made at each start, renewed at two thirds of its life; its key is in memory only. */
export class ServerLeaf {
  readonly #options: ServerLeafOptions;
  readonly #listeners = new Set<(material: TlsMaterial) => void>();
  #material: TlsMaterial | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ServerLeafOptions) {
    this.#options = options;
  }

  get material(): TlsMaterial {
    if (!this.#material) throw new Error('The certificate of the server was not made yet.');
    return this.#material;
  }

  /** Makes a new certificate by the authority that signs now, and tells the listeners. */
  async renew(): Promise<void> {
    const { authorities, installId, names, lifeMs, clock } = this.#options;
    const keys = await newKeys();
    const certificate = await serverCertificate(authorities.issuing, keys.publicKey, {
      installId,
      names,
      lifeMs,
      now: clock.now(),
    });
    this.#material = {
      key: privateKeyPem(keys.privateKey),
      cert: pemOf(certificate),
      ca: authorities.trusted.map(({ pem }) => pem).join(''),
    };
    for (const listener of this.#listeners) listener(this.#material);
    this.#wait(clock.now().getTime() + (lifeMs * 2) / 3);
  }

  /** Calls back with every new certificate; returns its undo. */
  onRenewed(listener: (material: TlsMaterial) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #wait(untilMs: number): void {
    clearTimeout(this.#timer);
    const leftMs = untilMs - this.#options.clock.now().getTime();
    this.#timer = setTimeout(() => this.#look(untilMs), Math.max(0, Math.min(leftMs, LOOK_MS))).unref();
  }

  #look(untilMs: number): void {
    const { clock, log } = this.#options;
    const now = clock.now().getTime();
    if (now < untilMs) return this.#wait(untilMs);
    this.renew().catch((error: unknown) => {
      log.error({ err: error }, 'The certificate of the server could not be renewed');
      this.#wait(now + RETRY_MS);
    });
  }
}
