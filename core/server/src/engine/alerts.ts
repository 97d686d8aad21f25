import type { Clock, Logger } from '@stackyard/kernel';

const WINDOW_MS = 60_000;
/** Of one host in a minute; what comes on top is counted. */
const MOST = 20;

/** Tells of agents that do not keep to the protocol, without letting one of them fill the log. */
export class Alerts {
  readonly #log: Pick<Logger, 'error'>;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #hosts = new Map<string, { sinceMs: number; count: number }>();

  constructor({ log, clock }: { readonly log: Pick<Logger, 'error'>; readonly clock: Pick<Clock, 'monotonicMs'> }) {
    this.#log = log;
    this.#clock = clock;
  }

  tell(hostId: string, what: string, attemptId: string | undefined): void {
    const nowMs = this.#clock.monotonicMs();
    let seen = this.#hosts.get(hostId);
    if (!seen || nowMs - seen.sinceMs >= WINDOW_MS) {
      if (seen && seen.count > MOST) {
        this.#log.error({ hostId, omitted: seen.count - MOST }, 'The protocol was not kept more often than was told');
      }
      seen = { sinceMs: nowMs, count: 0 };
      this.#hosts.set(hostId, seen);
    }
    seen.count += 1;
    if (seen.count <= MOST) this.#log.error({ hostId, attemptId, what }, 'The protocol was not kept');
  }

  forget(hostId: string): void {
    this.#hosts.delete(hostId);
  }
}
