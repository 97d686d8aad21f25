import { X509Certificate } from 'node:crypto';
import { type ServerUnaryCall, status } from '@grpc/grpc-js';
import type { Clock, Logger } from '@stackyard/kernel';
import { type Caller, callerOf } from '../../identity/caller.ts';
import type { Identity } from '../../identity/identity.ts';
import { Buckets, type Rate } from '../../enrolment/buckets.ts';
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

/** An agent that comes back as often as this is broken, or means harm; what it costs is everybody's. */
const STREAMS: Rate = { burst: 50, perSecond: 2 };
const RENEWALS_AT_ONCE = 16;
const RENEWALS_PER_LIFE = 4;

const tooOften = { code: status.RESOURCE_EXHAUSTED, details: 'The host comes too often. Try again later.' };

/** Lets calls in by the certificate of whoever calls, and ends them when it is no longer good. */
export class Callers {
  readonly #options: CallersOptions;
  readonly #open = new OpenCalls();
  readonly #rates: Readonly<Record<'control' | 'renew', Buckets>>;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CallersOptions) {
    this.#options = options;
    const perSecond = (RENEWALS_PER_LIFE * 1000) / options.identity.certificateLifeMs;
    this.#rates = {
      control: new Buckets(STREAMS),
      renew: new Buckets({ burst: RENEWALS_AT_ONCE, perSecond }),
    };
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
      if (!caller || call.cancelled) return;
      if (kind === 'control' && !this.#take('control', caller)) call.emit('error', tooOften);
      else if (this.#open.admit(caller.hostId, kind, call)) then(caller);
    });
  }

  /** Who asks for a certificate; when it may not, or not so often, it was told so. */
  async admitRenewal(call: Certified, refuse: (why: Refusal) => void): Promise<Caller | undefined> {
    const caller = await this.identify(call, refuse);
    if (!caller || this.#take('renew', caller)) return caller;
    refuse(tooOften);
    return undefined;
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

  #take(what: 'control' | 'renew', { hostId }: Caller): boolean {
    return this.#rates[what].take(hostId, this.#options.clock.monotonicMs());
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
