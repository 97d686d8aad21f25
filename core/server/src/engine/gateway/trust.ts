import type { Logger } from '@stackyard/kernel';
import type { AgentMessage__Output, ServerMessage } from '@stackyard/proto';
import type { Identity } from '../../identity/identity.ts';

export interface TrustTellerOptions {
  readonly identity: Identity;
  readonly log: Logger;
  readonly send: (stream: number, message: ServerMessage) => void;
}

/** Over this time the agents of a fleet spread their renewals, at most. */
const SPREAD_MS = 60_000;
const MOST_TRUSTED = 8;
const SHA256 = /^[0-9a-f]{64}$/;

/** Tells agents whom to trust while one authority takes over from another, and remembers what they say they trust. */
export class TrustTeller {
  readonly #options: TrustTellerOptions;
  readonly #streams = new Set<number>();
  readonly #forget: () => void;

  constructor(options: TrustTellerOptions) {
    this.#options = options;
    this.#forget = options.identity.onRotated(() => {
      const message = this.#message();
      for (const stream of this.#streams) options.send(stream, message);
    });
  }

  /** Looks through what an agent said for what it trusts. */
  heard(hostId: string, stream: number, messages: readonly AgentMessage__Output[]): void {
    for (const { hello, trusted } of messages) {
      if (hello) this.#greeted(hostId, stream, hello.trusted?.sha256 ?? []);
      if (trusted) this.#remember(hostId, trusted.sha256);
    }
  }

  closed(stream: number): void {
    this.#streams.delete(stream);
  }

  stop(): void {
    this.#forget();
  }

  #greeted(hostId: string, stream: number, trusted: readonly string[]): void {
    this.#streams.add(stream);
    this.#remember(hostId, trusted);
    // It may have been away during a step of the rotation. Told always: which authority its certificate is of, only the
    // agent knows at once, and a word costs a kilobyte.
    this.#options.send(stream, this.#message());
  }

  #remember(hostId: string, given: readonly string[]): void {
    const known = given.filter((sha256) => SHA256.test(sha256)).slice(0, MOST_TRUSTED);
    this.#options.identity.certificates
      .trusts(hostId, known.toSorted())
      .catch((error: unknown) =>
        this.#options.log.warn({ err: error, hostId }, 'Whom an agent trusts could not be stored'),
      );
  }

  #message(): ServerMessage {
    const { trustedPem: authorities, issuingSha256, certificateLifeMs } = this.#options.identity;
    const renewWithinMs = Math.min(SPREAD_MS, Math.floor(certificateLifeMs / 10));
    return { trust: { authorities, issuingSha256, renewWithinMs } };
  }
}
