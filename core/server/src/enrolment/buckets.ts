/** How much is let through: `burst` at once, then `perSecond`. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

interface Bucket {
  tokens: number;
  filledMs: number;
}

/** Token buckets by key, such as an address. So many keys are remembered and no more: the one seen longest ago goes. */
export class Buckets {
  readonly #rate: Rate;
  readonly #keys: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate, keys = 10_000) {
    this.#rate = rate;
    this.#keys = keys;
  }

  /** Takes one token of a key. @returns whether there was one, at this monotonic time */
  take(key: string, nowMs: number): boolean {
    const { burst, perSecond } = this.#rate;
    const { tokens, filledMs } = this.#buckets.get(key) ?? { tokens: burst, filledMs: nowMs };
    const filled = Math.min(burst, tokens + ((nowMs - filledMs) / 1000) * perSecond);
    const passes = filled >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: passes ? filled - 1 : filled, filledMs: nowMs });
    if (this.#buckets.size > this.#keys) this.#buckets.delete(this.#buckets.keys().next().value!);
    return passes;
  }

  /** What was taken last of a key was not needed. */
  giveBack(key: string): void {
    const bucket = this.#buckets.get(key);
    if (bucket) bucket.tokens = Math.min(this.#rate.burst, bucket.tokens + 1);
  }
}
