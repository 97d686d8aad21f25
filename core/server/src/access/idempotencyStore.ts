import type { EntityManager } from '@mikro-orm/postgresql';
import type { IdempotencyStore, StoredAnswer } from '../api/idempotency.ts';
import { IdempotencyKey } from '../database/entities.ts';

const LIFE_MS = 24 * 3_600_000;
/** A claim without an answer this old belongs to a server that died in the middle: the request may be repeated. */
const ABANDONED_MS = 60_000;

/** Idempotency keys as rows, so that a repetition after a restart still gets its answer. */
export class DatabaseIdempotencyStore implements IdempotencyStore {
  readonly #em: () => EntityManager;

  constructor(em: () => EntityManager) {
    this.#em = em;
  }

  async claim(
    principal: string,
    key: string,
    requestHash: string,
  ): Promise<{ requestHash: string; answer?: StoredAnswer } | undefined> {
    const em = this.#em();
    const now = Date.now();
    await em.nativeDelete(IdempotencyKey, {
      $or: [
        { createdAt: { $lt: new Date(now - LIFE_MS) } },
        { principal, key, status: null, createdAt: { $lt: new Date(now - ABANDONED_MS) } },
      ],
    });
    // The primary key decides between two at once: one inserts, the other finds the row.
    const inserted = await em
      .getConnection()
      .execute<{ affectedRows: number }>(
        'insert into idempotency_key (principal, key, request_hash, created_at) values (?, ?, ?, ?) on conflict do nothing',
        [principal, key, requestHash, new Date(now)],
        'run',
      );
    if (inserted.affectedRows === 1) return undefined;
    const row = await em.findOne(IdempotencyKey, { principal, key });
    if (!row) return this.claim(principal, key, requestHash);
    if (row.status === null || row.status === undefined) return { requestHash: row.requestHash };
    return { requestHash: row.requestHash, answer: { status: row.status, headers: row.headers ?? {}, body: row.body } };
  }

  async complete(principal: string, key: string, answer: StoredAnswer): Promise<void> {
    await keepAnswer(this.#em(), { principal, key }, answer);
  }

  async abandon(principal: string, key: string): Promise<void> {
    await this.#em().nativeDelete(IdempotencyKey, { principal, key, status: null });
  }
}

/**
 * Stores the answer of a claimed key. In the transaction of what the request does, a server that is killed right after it
 * still gives this answer to a repetition, instead of doing it a second time.
 */
export async function keepAnswer(
  em: EntityManager,
  { principal, key }: { readonly principal: string; readonly key: string },
  { status, headers, body }: StoredAnswer,
): Promise<void> {
  await em.nativeUpdate(IdempotencyKey, { principal, key }, { status, headers: { ...headers }, body });
}
