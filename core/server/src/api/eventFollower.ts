import type { Pool } from 'pg';
import type { Events } from '../engine/ports.ts';
import { type EventFilter, EventReader, type EventRun } from './eventReader.ts';

/** Rows of the outbox that are read at a time; each holds up to a hundred events. */
const RUNS = 100;

/** What was committed, as it is told. */
export interface FollowedEvent extends Pick<EventRun, 'topic' | 'clusterId' | 'at'> {
  readonly id: number;
  readonly payload: object;
}

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
    const { rows } = await this.#sql().query<{ newest: string | number | null }>(
      'select max(id) as newest from event_run',
    );
    return Number(rows[0]?.newest ?? 0);
  }

  /** Whether events after this one were removed because of their age: then nobody can go on there without a gap. */
  async isGone(id: number): Promise<boolean> {
    const { rows } = await this.#sql().query<{ oldest: string | number }>(
      'select first_id as oldest from event_run order by id limit 1',
    );
    return Number(rows[0]?.oldest ?? 0) > id + 1;
  }

  async *follow(filter: EventFilter, start: number, signal: AbortSignal): AsyncGenerator<FollowedEvent> {
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
        const runs = await reader.read({ ...filter, after: last, limit: RUNS });
        for (const { firstId, topic, clusterId, payloads, at } of runs) {
          // Whoever goes on after an event may do so in the middle of a run.
          for (let n = Math.max(0, last + 1 - firstId); n < payloads.length; n++) {
            last = firstId + n;
            yield { id: last, topic, clusterId, payload: payloads[n]!, at };
          }
        }
        if (runs.length === RUNS) continue;
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
