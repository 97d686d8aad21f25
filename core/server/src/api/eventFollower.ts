import type { Pool } from 'pg';
import type { EventRow } from '../database/entities.ts';
import type { Events } from '../engine/ports.ts';
import { type EventFilter, EventReader } from './eventReader.ts';

const BATCH = 500;

/** Follows the outbox: what was committed after an event, then what is committed from then on. */
export class EventFollower {
  readonly #sql: () => Pool;
  readonly #events: () => Pick<Events, 'subscribe'>;
  #reader: EventReader | undefined;

  /** Both are asked for when something is followed: at wiring time the database is not open. */
  constructor(sql: () => Pool, events: () => Pick<Events, 'subscribe'>) {
    this.#sql = sql;
    this.#events = events;
  }

  /** Id of the newest event; 0 before the first. */
  async newest(): Promise<number> {
    const { rows } = await this.#sql().query<{ newest: string | number | null }>('select max(id) as newest from event');
    return Number(rows[0]?.newest ?? 0);
  }

  /** Whether events after this one were removed because of their age: then nobody can go on there without a gap. */
  async isGone(id: number): Promise<boolean> {
    const { rows } = await this.#sql().query<{ oldest: string | number | null }>('select min(id) as oldest from event');
    return Number(rows[0]?.oldest ?? 0) > id + 1;
  }

  async *follow(filter: EventFilter, start: number, signal: AbortSignal): AsyncGenerator<EventRow> {
    const reader = (this.#reader ??= new EventReader(this.#sql()));
    let last = start;
    let committed = start;
    let wake = Promise.withResolvers<void>();
    const undo = this.#events().subscribe((newest) => {
      committed = Math.max(committed, newest);
      wake.resolve();
    });
    const end = () => wake.resolve();
    signal.addEventListener('abort', end);
    try {
      while (!signal.aborted) {
        const waiting = wake.promise;
        // What was committed before the query is behind us after it, also where the filters let nothing through.
        const seen = committed;
        const rows = await reader.read({ ...filter, after: last, limit: BATCH });
        for (const row of rows) {
          last = row.id;
          yield row;
        }
        if (rows.length === BATCH) continue;
        last = Math.max(last, seen);
        await waiting;
        wake = Promise.withResolvers<void>();
      }
    } finally {
      signal.removeEventListener('abort', end);
      undo();
    }
  }
}
