import type { EntityManager } from '@mikro-orm/postgresql';
import type { PoolClient } from 'pg';
import { EpochLostError } from '../../database/errors.ts';
import type { Database } from '../../database/openDatabase.ts';
import type { Statement } from '../ports.ts';
import type { Batch, NumberedEvent } from './events.ts';
import { appendText, eventsOf, guarded, statementFor } from './statement.ts';

export interface Seen {
  readonly epoch: number;
  readonly commitNo: number;
  readonly nextEventId: number;
}

/** The one connection of the writer: made when it is needed, dropped after every error. */
export class WriterConnection {
  readonly #db: Database;
  readonly #epoch: number;
  #client: PoolClient | undefined;
  #closed = false;

  constructor(db: Database, epoch: number) {
    this.#db = db;
    this.#epoch = epoch;
  }

  /** Whether the fence held, and how many of the batch's attempts could be changed. */
  async write(commitNo: number, batch: Batch): Promise<{ readonly fenced: boolean; readonly attempts: number }> {
    const { name, text, values } = statementFor(batch);
    const [answer] = await this.#query<{ fenced: number; attempts: number }>({
      name,
      text,
      values: [this.#epoch, commitNo, ...values],
    });
    return { fenced: answer?.fenced !== 1, attempts: answer?.attempts ?? 0 };
  }

  async look(): Promise<Seen> {
    const [seen] = await this.#query<Seen>({
      text: `select epoch, commit_no as "commitNo", (select coalesce(max(id), 0) + 1 from event_run) as "nextEventId"
             from installation where id = 1`,
    });
    if (!seen) throw new EpochLostError({ epoch: this.#epoch });
    return seen;
  }

  /** Runs a statement of others with its events. @returns its answer, null when nothing happened. @throws EpochLostError */
  async run(statement: Statement, commitNo: number, events: readonly NumberedEvent[]): Promise<unknown> {
    const own = [this.#epoch, commitNo, ...eventsOf(events)];
    const [said] = await this.#query<{ fenced: number; answer: unknown }>({
      name: statement.name,
      text: guarded(statement),
      values: [...own, ...statement.values],
    });
    if (said?.fenced !== 1) throw new EpochLostError({ epoch: this.#epoch });
    return said.answer;
  }

  /** Ends a transaction of others with its events. @throws EpochLostError */
  async append(em: EntityManager, commitNo: number, events: readonly NumberedEvent[]): Promise<void> {
    const fenced = await em.execute<unknown[]>(appendText, [commitNo, this.#epoch, commitNo, ...eventsOf(events)]);
    if (fenced.length !== 1) throw new EpochLostError({ epoch: this.#epoch });
  }

  /** No connection is made from now on. */
  close(): void {
    this.#closed = true;
    this.#drop(undefined);
  }

  async #query<T>(query: { readonly name?: string; readonly text: string; readonly values?: unknown[] }): Promise<T[]> {
    const client = await this.#connect();
    try {
      return (await client.query(query)).rows;
    } catch (error) {
      if (this.#client === client) this.#drop(error);
      throw error;
    }
  }

  async #connect(): Promise<PoolClient> {
    if (this.#client) return this.#client;
    const client = await this.#db.sql.connect();
    if (this.#closed) {
      client.release();
      throw new Error('The writer has ended.');
    }
    this.#client = client;
    // One that breaks while nothing is asked of it must not fail the next who asks.
    client.once('error', (error: Error) => this.#client === client && this.#drop(error));
    // Few rows by primary key each time, in tables that grow faster than their statistics: never read a whole table. No
    // value changes that plan, and planning takes as long as writing two hundred rows.
    await this.#query({
      text: 'set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set jit = off; set plan_cache_mode = force_generic_plan',
    });
    return client;
  }

  /** Not back into the pool: its session is tuned for the writer. */
  #drop(error: unknown): void {
    this.#client?.release(error instanceof Error ? error : true);
    this.#client = undefined;
  }
}

/** Data exceptions and broken constraints: trying again would change nothing. */
export function isRefusedData(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(?:22|23|42)[0-9A-Z]{3}$/.test(code);
}
