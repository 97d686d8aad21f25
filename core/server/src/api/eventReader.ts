import type { Pool } from 'pg';
import type { EventRow } from '../database/entities.ts';
import { select } from '../database/select.ts';

export interface EventFilter {
  readonly topics: readonly string[] | undefined;
  readonly clusterId: string | undefined;
}

export interface EventsWanted extends EventFilter {
  /** Id of the last that is known. */
  readonly after: number;
  readonly limit: number;
}

/**
 * Reads the outbox, in the order of commits. Who asks for the same in the same turn of the event loop shares one
 * statement: after every commit all streams that have caught up do, whatever their number.
 */
export class EventReader {
  readonly #sql: Pool;
  readonly #next = new Map<string, Promise<readonly EventRow[]>>();

  constructor(sql: Pool) {
    this.#sql = sql;
  }

  read(wanted: EventsWanted): Promise<readonly EventRow[]> {
    const { topics, clusterId, after, limit } = wanted;
    const key = JSON.stringify([topics, clusterId, after, limit]);
    const asked = this.#next.get(key);
    if (asked) return asked;
    const rows = Promise.resolve().then(() => {
      this.#next.delete(key);
      return selectEvents(this.#sql, wanted);
    });
    this.#next.set(key, rows);
    return rows;
  }
}

function selectEvents(sql: Pool, { topics, clusterId, after, limit }: EventsWanted): Promise<EventRow[]> {
  return select(sql, {
    name: 'events',
    text: 'select id, topic, cluster_id as "clusterId", payload, at from event',
    where: [
      ['id > $N', after],
      ['topic = any($N::text[])', topics],
      ['cluster_id = $N', clusterId],
    ],
    rest: 'order by id',
    limit,
  });
}
