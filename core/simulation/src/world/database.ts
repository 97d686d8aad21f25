import type { Batch } from '@stackyard/server/engine';
import type { Process } from '../time/process.ts';
import type { Random } from '../time/random.ts';
import type { Timeline } from '../time/timeline.ts';
import { apply, type AttemptRow, copyOf, type Tables } from './rows.ts';

export interface DatabaseQuality {
  readonly latencyMs: number;
  /** Probability that the answer to a write is lost. */
  readonly timeouts: number;
}

export interface Write {
  readonly epoch: number;
  readonly commitNo: number;
  readonly batch: Batch;
}

export type Answer = 'done' | 'fenced' | 'refused' | 'failed';

/** Told of every change of an attempt's row, whoever made it. */
export type AttemptListener = (
  before: AttemptRow | undefined,
  after: AttemptRow,
  writer: { readonly epoch: number },
) => void;

const TIMEOUT_MS = 3_000;

/** PostgreSQL as the server sees it: statements happen whole or not at all, and sometimes nobody learns which. */
export class Database {
  tables: Tables;
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #written: AttemptListener;
  #quality: DatabaseQuality;
  #downUntil = 0;
  #restores = 0;
  /** A statement that writes waits for the one before it to end, also when nobody waits for that one any more. */
  #lockedUntil = 0;

  constructor(options: {
    readonly timeline: Timeline;
    readonly random: Random;
    readonly quality: DatabaseQuality;
    readonly tables: Tables;
    readonly written: AttemptListener;
  }) {
    this.#timeline = options.timeline;
    this.#random = options.random;
    this.#quality = options.quality;
    this.#written = options.written;
    this.tables = options.tables;
  }

  /** The statement of the writer. */
  execute(client: Process, write: Write, then: (answer: Answer) => void): void {
    this.transact(client, () => this.#apply(write), then);
  }

  /** A transaction: `work` answers what it came to, and changes nothing unless that is `done`. */
  transact(client: Process, work: () => Exclude<Answer, 'failed'>, then: (answer: Answer) => void): void {
    if (this.#isDown()) return this.#fail(client, then);
    const luck = this.#random.chance(this.#quality.timeouts) ? this.#random.below(3) : -1;
    // 0: it never came through. 1: done, the answer lost. 2: the same, and done only after the client had given up.
    if (luck === 0) return this.#fail(client, then);
    const lateMs = luck === 2 ? TIMEOUT_MS + this.#random.between(0, 2_000) : 0;
    const at = Math.max(this.#timeline.now + this.#latency() + lateMs, this.#lockedUntil);
    this.#lockedUntil = at;
    const restores = this.#restores;
    this.#timeline.after(at - this.#timeline.now, () => {
      // Nobody restores a backup while statements are under way.
      if (this.#isDown() || restores !== this.#restores) {
        if (luck < 0) this.#fail(client, then);
        return;
      }
      const answer = work();
      if (luck < 0) client.later(this.#latency(), () => then(answer));
    });
    if (luck > 0) client.later(TIMEOUT_MS, () => then('failed'));
  }

  /** Reads; undefined when the database does not answer. */
  read<T>(client: Process, query: (tables: Tables) => T, then: (rows: T | undefined) => void): void {
    if (this.#isDown()) return this.#fail(client, () => then(undefined));
    this.#timeline.after(this.#latency(), () => {
      const rows = this.#isDown() ? undefined : query(this.tables);
      client.later(this.#latency(), () => then(rows));
    });
  }

  /** What the writer looks for after an answer that did not come. */
  look(
    client: Process,
    then: (
      seen: { readonly epoch: number; readonly commitNo: number; readonly nextEventId: number } | undefined,
    ) => void,
  ): void {
    this.read(
      client,
      ({ installation: { epoch, commitNo }, events }) => ({ epoch, commitNo, nextEventId: Math.max(0, ...events) + 1 }),
      then,
    );
  }

  /** A request has stored these attempts as issued. */
  tell(issued: readonly { readonly id: string }[], writer: { readonly epoch: number }): void {
    for (const { id } of issued) this.#written(undefined, this.tables.attempts.get(id)!, writer);
  }

  backup(): Tables {
    return copyOf(this.tables);
  }

  restore(backup: Tables): void {
    this.tables = copyOf(backup);
    this.#restores += 1;
  }

  down(forMs: number): void {
    this.#downUntil = Math.max(this.#downUntil, this.#timeline.now + forMs);
  }

  heal(): void {
    this.#quality = { ...this.#quality, timeouts: 0 };
  }

  #apply(write: Write): Exclude<Answer, 'failed'> {
    const { tables } = this;
    const before = write.batch.attempts.map(({ id }) => tables.attempts.get(id));
    const answer = apply(tables, write);
    if (answer !== 'done') return answer;
    write.batch.attempts.forEach(({ id }, index) => {
      const after = tables.attempts.get(id);
      if (after && after !== before[index]) this.#written(before[index], after, write);
    });
    return answer;
  }

  #fail(client: Process, then: (answer: 'failed') => void): void {
    client.later(Math.min(TIMEOUT_MS, this.#latency() * 4), () => then('failed'));
  }

  #isDown(): boolean {
    return this.#timeline.now < this.#downUntil;
  }

  #latency(): number {
    return this.#quality.latencyMs * this.#random.between(0.5, 1.5);
  }
}
