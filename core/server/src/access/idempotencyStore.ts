import type { EntityManager } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import type { IdempotencyStore, StoredAnswer } from '../api/idempotency.ts';
import { IdempotencyKey } from '../database/entities.ts';

const LIFE_MS = 24 * 3_600_000;
/** A claim without an answer this old belongs to nobody any more: the request may be repeated. */
const ABANDONED_MS = 60_000;

/**
 * The primary key decides between two at once: one inserts, the other finds a row that is neither old nor abandoned. What
 * others left behind a day ago goes by the way.
 */
const claimText = `with old as (
    delete from idempotency_key where created_at < $5 and not (principal = $1 and key = $2))
  insert into idempotency_key as known (principal, key, request_hash, created_at) values ($1, $2, $3, $4)
  on conflict (principal, key) do update
    set request_hash = excluded.request_hash, created_at = excluded.created_at, status = null, headers = null, body = null
    where known.created_at < $5 or (known.status is null and known.created_at < $6)`;

/** An answer under its key. */
export interface KeptAnswer extends StoredAnswer {
  readonly principal: string;
  readonly key: string;
}

/** Idempotency keys as rows, so that a repetition after a restart still gets its answer. */
export class DatabaseIdempotencyStore implements IdempotencyStore {
  readonly #em: () => EntityManager;
  readonly #sql: Pool;
  /** There is one server at a time: who claimed a key before this one began has died in the middle. */
  readonly #since = Date.now();

  constructor({ em, sql }: { em: () => EntityManager; sql: Pool }) {
    this.#em = em;
    this.#sql = sql;
  }

  async claim(
    principal: string,
    key: string,
    requestHash: string,
  ): Promise<{ requestHash: string; answer?: StoredAnswer } | undefined> {
    const now = Date.now();
    const times = [now, now - LIFE_MS, Math.max(now - ABANDONED_MS, this.#since)].map((at) => new Date(at));
    const values = [principal, key, requestHash, ...times];
    const { rowCount } = await this.#sql.query({ name: 'claim-key', text: claimText, values });
    if (rowCount === 1) return undefined;
    const row = await this.#em().findOne(IdempotencyKey, { principal, key });
    if (!row) return this.claim(principal, key, requestHash);
    if (row.status === null || row.status === undefined) return { requestHash: row.requestHash };
    return { requestHash: row.requestHash, answer: { status: row.status, headers: row.headers ?? {}, body: row.body } };
  }

  async complete(principal: string, key: string, answer: StoredAnswer): Promise<void> {
    const { status, headers, body } = answer;
    await this.#em().nativeUpdate(IdempotencyKey, { principal, key }, { status, headers: { ...headers }, body });
  }

  async abandon(principal: string, key: string): Promise<void> {
    await this.#em().nativeDelete(IdempotencyKey, { principal, key, status: null });
  }
}
