import { X509Certificate } from 'node:crypto';
import { type ServerUnaryCall, status } from '@grpc/grpc-js';
import type { Clock, Logger } from '@stackyard/kernel';
import { type Caller, callerOf } from '../../identity/caller.ts';
import type { Identity } from '../../identity/identity.ts';
import { type CallKind, type OpenCall, OpenCalls } from './openCalls.ts';

type Certified = Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext'>;
type Refusal = { readonly code: status; readonly details: string };

export interface CallersOptions {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly log: Logger;
  /** A host was found to have no good certificate left; its calls have been ended. */
  readonly onCut: (hostId: string) => void;
}

/** How long a revoked or expired certificate can go on on a stream that is open. */
const RECHECK_MS = 2_000;

const refused = {
  code: status.UNAUTHENTICATED,
  details:
    'The certificate is not that of an agent of this server, or it was revoked. Join the host again with a new token.',
};

/** Lets calls in by the certificate of whoever calls, and ends them when it is no longer good. */
export class Callers {
  readonly #options: CallersOptions;
  readonly #open = new OpenCalls();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CallersOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.#recheck(), RECHECK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Goes on with a stream when its caller may call; else the stream has been ended. */
  admit(
    call: Certified & OpenCall & { readonly cancelled: boolean },
    kind: CallKind,
    then: (caller: Caller) => void,
  ): void {
    void this.identify(call, (why) => call.emit('error', why)).then((caller) => {
      if (caller && !call.cancelled && this.#open.admit(caller.hostId, kind, call)) then(caller);
    });
  }

  /** Who calls; when it may not, it was told so. */
  async identify(call: Certified, refuse: (why: Refusal) => void): Promise<Caller | undefined> {
    const { identity, clock, log } = this.#options;
    const certificate = call.getAuthContext().sslPeerCertificate;
    const caller = callerOf(certificate, { installId: identity.installId, now: clock.now() });
    try {
      if (caller && certificate && (await identity.accepts(caller, new X509Certificate(certificate.raw))))
        return caller;
      refuse(refused);
    } catch (error) {
      log.error({ err: error }, 'An agent could not be authenticated');
      refuse({ code: status.UNAVAILABLE, details: 'The database does not answer. Try again.' });
    }
    return undefined;
  }

  /** Ends all calls of a host at once. */
  cut(hostId: string, why: string): void {
    this.#open.cut(hostId, why);
  }

  async #recheck(): Promise<void> {
    const { identity, clock, log, onCut } = this.#options;
    const { hosts } = this.#open;
    if (hosts.length === 0) return;
    try {
      const good = await identity.certificates.stillGood(hosts, clock.now());
      for (const hostId of hosts.filter((each) => !good.has(each))) {
        this.cut(hostId, refused.details);
        onCut(hostId);
      }
    } catch (error) {
      log.warn({ err: error }, 'Whether the certificates of connected agents are still good could not be looked up');
    }
  }
}
