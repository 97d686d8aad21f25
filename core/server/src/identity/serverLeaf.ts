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
/** The longest that a timer can wait. */
const LONGEST_MS = 2 ** 31 - 1;

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
    this.#wait((lifeMs * 2) / 3);
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

  #wait(afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.renew().catch((error: unknown) => {
          this.#options.log.error({ err: error }, 'The certificate of the server could not be renewed');
          this.#wait(RETRY_MS);
        });
      },
      Math.min(afterMs, LONGEST_MS),
    ).unref();
  }
}
