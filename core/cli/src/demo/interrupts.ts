import { CancelledError } from '../errors.ts';

/** A terminal's Ctrl-C may come twice at once: to this process, and through the one that started it. */
const SAME_PRESS_MS = 700;

/** Ctrl-C and its kin: the first asks for an orderly end, the second for a quick one. */
export class Interrupts {
  readonly #first = Promise.withResolvers<void>();
  readonly #aborted = new AbortController();
  readonly #hurry = new AbortController();
  #at: number | undefined;

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, this.#pressed);
  }

  /** Resolves at the first. */
  get first(): Promise<void> {
    return this.#first.promise;
  }

  /** Aborts at the second. */
  get hurry(): AbortSignal {
    return this.#hurry.signal;
  }

  get came(): boolean {
    return this.#at !== undefined;
  }

  /** Works until it is done or interrupted. @throws CancelledError when it was interrupted before it was done */
  async orElse(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const interrupted = this.first.then(() => {
      throw new CancelledError('');
    });
    interrupted.catch(() => undefined);
    await Promise.race([work(this.#aborted.signal), interrupted]);
  }

  end(): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, this.#pressed);
  }

  readonly #pressed = (): void => {
    const now = performance.now();
    if (this.#at === undefined) {
      this.#at = now;
      this.#first.resolve();
      this.#aborted.abort();
    } else if (now - this.#at > SAME_PRESS_MS) this.#hurry.abort();
  };
}
