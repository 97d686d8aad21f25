/** What a caller of a shared piece of work may pass. */
export interface Caller<P> {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: P) => void) | undefined;
}

interface Flight<P, R> {
  readonly result: Promise<R>;
  readonly abort: AbortController;
  readonly callers: Set<Caller<P>>;
}

/**
 * Lets concurrent callers share one piece of work per key. Every caller sees its progress; a caller whose signal aborts
 * leaves alone, and the work itself is aborted only when the last one has left.
 */
export class SingleFlight<P, R> {
  readonly #flights = new Map<string, Flight<P, R>>();

  async run(
    key: string,
    work: (signal: AbortSignal, report: (progress: P) => void) => Promise<R>,
    caller: Caller<P> = {},
  ): Promise<R> {
    caller.signal?.throwIfAborted();
    let flight = this.#flights.get(key);
    // An aborted one may still be writing to the files that the next one wants.
    while (flight?.abort.signal.aborted) {
      await flight.result.catch(() => undefined);
      flight = this.#flights.get(key);
    }
    flight ??= this.#start(key, work);
    return join(flight, caller);
  }

  #start(key: string, work: (signal: AbortSignal, report: (progress: P) => void) => Promise<R>): Flight<P, R> {
    const abort = new AbortController();
    const callers = new Set<Caller<P>>();
    const report = (progress: P) => callers.forEach((each) => each.onProgress?.(progress));
    const result = work(abort.signal, report).finally(() => this.#flights.delete(key));
    const flight = { result, abort, callers };
    this.#flights.set(key, flight);
    // Everybody may have left by the time it fails.
    result.catch(() => undefined);
    return flight;
  }
}

async function join<P, R>({ result, abort, callers }: Flight<P, R>, caller: Caller<P>): Promise<R> {
  callers.add(caller);
  const { signal } = caller;
  let leave = (): void => undefined;
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(signal?.reason as Error);
  });
  signal?.addEventListener('abort', leave, { once: true });
  try {
    return await Promise.race([result, left]);
  } finally {
    signal?.removeEventListener('abort', leave);
    callers.delete(caller);
    if (callers.size === 0 && signal?.aborted) abort.abort(signal.reason);
  }
}
