import { setTimeout as delay } from 'node:timers/promises';
import type { Clock, Logger } from '@stackyard/kernel';
import type { Pool } from 'pg';

/** How long history is kept, in milliseconds. */
export interface Retention {
  /** Events, which clients resume from. */
  readonly eventsMs: number;
  /** Who did what. */
  readonly auditMs: number;
  /** Results that came after their attempt had been given up. */
  readonly lateMs: number;
}

export interface TrimmerOptions {
  readonly sql: Pool;
  readonly retention: Retention;
  readonly log: Logger;
  readonly clock: Clock;
  readonly everyMs?: number;
}

const EVERY_MS = 3_600_000;
const BATCH = 1000;
/** Between two batches: whoever works with the database goes first. */
const PAUSE_MS = 50;

/** Each removes a few of the oldest; `$1` is the oldest time that is kept. */
const removals: Readonly<Record<keyof Retention, string>> = {
  // The newest stays, however old: the next id follows from it. Only the oldest few are looked at each time.
  eventsMs: `delete from event_run as run using (select id, at from event_run order by id limit ${BATCH}) as oldest
    where run.id = oldest.id and oldest.at < $1 and run.id < (select max(id) from event_run)`,
  auditMs: `delete from audit_entry where id in (select id from audit_entry where at < $1 order by at limit ${BATCH})`,
  lateMs: `update attempt set late = null where id in (
    select id from attempt where late is not null and finished_at < $1 limit ${BATCH})`,
};

/** Removes history that is older than is to be kept, now and then, in batches too small to hold anybody up. */
export class Trimmer {
  readonly #options: TrimmerOptions;
  #timer: NodeJS.Timeout | undefined;
  #trimming: Promise<void> | undefined;
  #stopped = false;

  constructor(options: TrimmerOptions) {
    this.#options = options;
  }

  start(): void {
    const { everyMs = EVERY_MS, log } = this.#options;
    this.#timer = setInterval(() => {
      this.#trimming ??= this.trim()
        .catch((error: unknown) => log.warn({ err: error }, 'Old history could not be removed; it will be tried again'))
        .finally(() => {
          this.#trimming = undefined;
        });
    }, everyMs).unref();
  }

  /** Removes what is too old at this moment. */
  async trim(): Promise<void> {
    const { retention, clock, sql } = this.#options;
    for (const [kind, text] of Object.entries(removals) as [keyof Retention, string][]) {
      const oldest = new Date(clock.now().getTime() - retention[kind]);
      while (!this.#stopped && ((await sql.query(text, [oldest])).rowCount ?? 0) >= BATCH) await delay(PAUSE_MS);
    }
  }

  /** Resolves when nothing is being removed any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#trimming;
  }
}
