import type { Pool } from 'pg';
import type { EventRunRow } from '../database/entities.ts';
import { select } from '../database/select.ts';

export interface EventFilter {
  readonly topics: readonly string[] | undefined;
  readonly clusterId: string | undefined;
}

export interface EventsWanted extends EventFilter {
  /** Id of the last that is known; the first row may begin before it. */
  readonly after: number;
  /** Rows, of up to a hundred events each. */
  readonly limit: number;
}

/** Events one after the other from `firstId` on. */
export type EventRun = Pick<EventRunRow, 'firstId' | 'topic' | 'clusterId' | 'payloads' | 'at'>;

/**
 * Reads the outbox, in the order of commits. Who asks for the same in the same turn of the event loop shares one
 * statement: after every commit all streams that have caught up do, whatever their number.
 */
export class EventReader {
  readonly #sql: Pool;
  readonly #next = new Map<string, Promise<readonly EventRun[]>>();

  constructor(sql: Pool) {
    this.#sql = sql;
  }

  read(wanted: EventsWanted): Promise<readonly EventRun[]> {
    const { topics, clusterId, after, limit } = wanted;
    const key = JSON.stringify([topics, clusterId, after, limit]);
    const asked = this.#next.get(key);
    if (asked) return asked;
    const rows = Promise.resolve().then(() => {
      this.#next.delete(key);
      return selectRuns(this.#sql, wanted);
    });
    this.#next.set(key, rows);
    return rows;
  }
}

async function selectRuns(sql: Pool, { topics, clusterId, after, limit }: EventsWanted): Promise<EventRun[]> {
  const rows = await select<EventRun & Pick<EventRunRow, 'common'>>(sql, {
    name: 'events',
    text: 'select first_id as "firstId", topic, cluster_id as "clusterId", common, payloads, at from event_run',
    where: [
      ['id > $N', after],
      ['topic = any($N::text[])', topics],
      ['cluster_id = $N', clusterId],
    ],
    rest: 'order by id',
    limit,
  });
  return rows.map(({ common, payloads, ...run }) => ({
    ...run,
    payloads: common ? payloads.map((payload) => ({ ...common, ...payload })) : payloads,
  }));
}
