/** How many agents are greeted: `burst` at once, then `perSecond`; whoever would wait longer is sent away for a while. */
export interface GreetingRate {
  readonly perSecond: number;
  readonly burst: number;
  readonly longestWaitMs: number;
}

export type Admission =
  | { readonly kind: 'wait'; readonly forMs: number }
  | { readonly kind: 'goAway'; readonly retryAfterMs: number };

/**
 * Spreads the hellos of a fleet that comes back all at once, as after a restart of the server. A connection costs an
 * agent and the server a handshake, so one that has come so far rather waits its turn than comes again; only when the
 * queue gets long are the rest told when to.
 */
export class GreetingQueue {
  readonly #rate: GreetingRate;
  /** Monotonic time at which the next one is due when nobody comes early. */
  #nextMs = 0;
  /** How many were sent away since the queue was short. */
  #away = 0;

  constructor(rate: GreetingRate) {
    this.#rate = rate;
  }

  admit(nowMs: number): Admission {
    const { perSecond, burst, longestWaitMs } = this.#rate;
    const stepMs = 1000 / perSecond;
    const dueMs = Math.max(this.#nextMs, nowMs);
    const forMs = Math.max(0, dueMs - nowMs - (burst - 1) * stepMs);
    if (forMs > longestWaitMs) {
      this.#away += 1;
      return { kind: 'goAway', retryAfterMs: Math.ceil(forMs + this.#away * stepMs) };
    }
    if (forMs === 0) this.#away = 0;
    this.#nextMs = dueMs + stepMs;
    return { kind: 'wait', forMs };
  }
}
