import { IdempotencyInProgressError, IdempotencyMismatchError } from './errors.ts';

/** The answer that was given, as it is given again. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Where keys are kept; rows older than 24 h do not count. */
export interface IdempotencyStore {
  /** Claims the key: undefined when it is new, else what is stored under it. Atomic. */
  claim(
    principal: string,
    key: string,
    requestHash: string,
  ): Promise<{ readonly requestHash: string; readonly answer?: StoredAnswer | undefined } | undefined>;
  complete(principal: string, key: string, answer: StoredAnswer): Promise<void>;
  /** Forgets a claim whose request failed before it did anything, so that it can be repeated. */
  abandon(principal: string, key: string): Promise<void>;
}

/** @param digest a keyed one: a body may hold a secret, which a plain digest would help to guess */
export function requestHash(
  { method, url, body }: { readonly method: string; readonly url: string; readonly body: unknown },
  digest: (text: string) => string,
): string {
  return digest(`${method} ${url}\n${JSON.stringify(body ?? null)}`);
}

/**
 * Runs a request once per key: a repetition gets the stored answer. Only answers below 500 are kept; after a 5xx the
 * client may try again. An answer that is `kept` was stored with what the request did.
 */
export async function once(
  store: IdempotencyStore,
  request: { readonly principal: string; readonly key: string; readonly hash: string },
  run: () => Promise<StoredAnswer & { readonly kept?: boolean }>,
): Promise<StoredAnswer & { readonly replayed?: true }> {
  const { principal, key, hash } = request;
  const known = await store.claim(principal, key, hash);
  if (known) {
    if (known.requestHash !== hash) throw new IdempotencyMismatchError({ key });
    if (!known.answer) throw new IdempotencyInProgressError({ key });
    return { ...known.answer, replayed: true };
  }
  try {
    const { kept, ...answer } = await run();
    if (kept) return answer;
    if (answer.status < 500) await store.complete(principal, key, answer);
    else await store.abandon(principal, key);
    return answer;
  } catch (error) {
    await store.abandon(principal, key);
    throw error;
  }
}
