import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock, Logger } from '@stackyard/kernel';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { PoolClient } from 'pg';
import { EpochLostError } from '../../database/errors.ts';
import type { Database } from '../../database/openDatabase.ts';
import { WriterStoppedError } from '../errors.ts';
import type { EventPayload, Events, EventTopic, Statement, Statements, Transaction } from '../ports.ts';
import { type Change, fold, type NewEvent } from './changes.ts';
import { createHistogram, type Histogram } from './histogram.ts';
import { appendText, guarded, statementFor, toJson } from './statement.ts';

export interface WriterOptions {
  readonly db: Database;
  readonly epoch: number;
  readonly log: Logger;
  readonly clock: Clock;
  /** Another server has taken over: nothing more will be written. */
  readonly onFenced: (error: EpochLostError) => void;
}

const LAZY_MS = 20;
/** For so long a transaction waits behind a commit that fails again and again; then whoever asked hears of it. */
const PATIENCE_MS = 5_000;

interface Submitted {
  readonly change: Change;
  readonly told: (() => void) | undefined;
  readonly dropped: ((error: Error) => void) | undefined;
}

/**
 * The one writer of attempts, tasks, jobs, host components and events. What is submitted while a commit is in flight
 * goes into the next one; `told` runs after the commit, so what agents and clients hear is durable.
 */
export class Writer implements Events, Statements {
  readonly #options: WriterOptions;
  readonly #latency = createHistogram();
  readonly #subscribers = new Set<(newestId: number) => void>();
  readonly #inTransaction = new AsyncLocalStorage<NewEvent[]>();
  #waiting: Submitted[] = [];
  /** Something that waits must not wait any longer. */
  #pressing = false;
  #lazy: NodeJS.Timeout | undefined;
  #exclusive: { readonly run: () => Promise<void>; readonly refuse: (error: Error) => void }[] = [];
  #running: Promise<void> | undefined;
  #client: PoolClient | undefined;
  #commitNo = 0;
  #nextEventId: number | undefined;
  #stopped: Error | undefined;
  #rows = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /**
   * Commits a change soon; `told` runs after that, never when the writer is fenced or stopped before. `refused` runs
   * instead when the database does not take the change.
   */
  submit(change: Change, told?: () => void, refused?: () => void): void {
    this.#enqueue({ change, told, dropped: refused && (() => this.#stopped ?? refused()) });
  }

  /**
   * Commits a change with the next one that cannot wait, in 20 ms at the latest: for news that the next word of an agent
   * most often overtakes. A short task costs two commits instead of four.
   */
  submitLazily(change: Change): void {
    if (this.#stopped) return;
    this.#waiting.push({ change, told: undefined, dropped: undefined });
    this.#lazy ??= setTimeout(() => this.#press(), LAZY_MS);
  }

  /** Resolves when what was submitted so far, and this, is committed. */
  commit(change: Change): Promise<void> {
    return new Promise((resolve, reject) => this.#enqueue({ change, told: resolve, dropped: reject }));
  }

  append(topic: EventTopic, clusterId: string | undefined, payload: EventPayload): Promise<void> {
    const event: NewEvent = { topic, clusterId, payload };
    const collected = this.#inTransaction.getStore();
    if (!collected) return this.commit({ events: [event] });
    collected.push(event);
    return Promise.resolve();
  }

  subscribe(onCommit: (newestId: number) => void): () => void {
    this.#subscribers.add(onCommit);
    return () => void this.#subscribers.delete(onCommit);
  }

  /**
   * Runs a transaction by itself, with no commit of the engine beside it: so event ids grow in commit order and neither
   * can wait for rows the other has locked. Keep it short, and wait for nothing but its own entity manager.
   */
  run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#alone(() => this.#transact(work));
  }

  /** As `run`, for a transaction that is one statement. */
  execute(statement: Statement, events: readonly NewEvent[]): Promise<boolean> {
    return this.#alone(() => this.#execute(statement, events));
  }

  /** Commits what is submitted, when the database lets it within `withinMs`, then refuses everything. */
  async stop(withinMs = 5000): Promise<void> {
    const until = AbortSignal.timeout(withinMs);
    this.#press();
    while (this.#running && !until.aborted) {
      await Promise.race([this.#running, delay(withinMs, undefined, { ref: false })]);
    }
    this.#end(new WriterStoppedError({}));
  }

  /** Refuses everything from now on, also what was submitted: as if the process had been killed. */
  abandon(): void {
    this.#end(new WriterStoppedError({}));
  }

  stats(): { readonly commitMs: Histogram; readonly rows: number; readonly waiting: number } {
    return { commitMs: this.#latency.read(), rows: this.#rows, waiting: this.#waiting.length };
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#stopped) {
        reject(this.#stopped);
        return;
      }
      this.#exclusive.push({ run: () => this.#attempt(work).then(resolve, reject), refuse: reject });
      this.#wake();
    });
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      await this.#connect();
      return await work();
    } catch (error) {
      // The commit may have happened without an answer: ids are read again before the next one.
      this.#nextEventId = undefined;
      if (error instanceof EpochLostError) this.#fenced(error, []);
      throw error;
    }
  }

  #enqueue(submitted: Submitted): void {
    if (this.#stopped) {
      submitted.dropped?.(this.#stopped);
      return;
    }
    this.#waiting.push(submitted);
    this.#press();
  }

  /** What waits is to be committed now. */
  #press(): void {
    clearTimeout(this.#lazy);
    this.#lazy = undefined;
    this.#pressing = this.#waiting.length > 0;
    if (this.#pressing) this.#wake();
  }

  /** One turn of the event loop gathers what arrives together, from however many agents. */
  #wake(): void {
    this.#running ??= new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#drain())
      .finally(() => {
        this.#running = undefined;
        // What was on its way when the writer ended has come back by now.
        if (this.#stopped) this.#dropClient(undefined);
        if (!this.#stopped && (this.#pressing || this.#exclusive.length > 0)) this.#wake();
      });
  }

  async #drain(): Promise<void> {
    while (!this.#stopped && (this.#pressing || this.#exclusive.length > 0)) {
      this.#pressing = false;
      const batch = this.#waiting;
      this.#waiting = [];
      if (batch.length > 0) await this.#commitBatch(batch);
      const exclusive = this.#exclusive.shift();
      await exclusive?.run();
    }
  }

  async #commitBatch(batch: readonly Submitted[]): Promise<void> {
    const startedMs = this.#options.clock.monotonicMs();
    this.#commitNo += 1;
    const rows = fold(batch.map(({ change }) => change));
    for (let failures = 0; !this.#stopped; failures += 1) {
      try {
        const newestId = await this.#write(rows, failures > 0);
        this.#latency.observe(this.#options.clock.monotonicMs() - startedMs);
        this.#notify(newestId);
        for (const { told } of batch) this.#call(told);
        return;
      } catch (error) {
        if (error instanceof EpochLostError) return this.#fenced(error, batch);
        this.#dropClient(error);
        if (isRefusedData(error)) return await this.#commitOneByOne(batch, error);
        this.#options.log.error({ err: error, failures }, 'Commit failed; it will be tried again');
        if (this.#options.clock.monotonicMs() - startedMs > PATIENCE_MS) this.#refuseExclusive(error);
        await delay(Math.min(100 * 2 ** failures, 2000));
      }
    }
    for (const { dropped } of batch) if (this.#stopped) dropped?.(this.#stopped);
  }

  /** Returns the id of the newest event, if there was one. */
  async #write(rows: ReturnType<typeof fold>, repeated: boolean): Promise<number | undefined> {
    const client = await this.#connect();
    if (repeated && (await this.#happened(client))) return this.#claimIds(rows.events.length);
    const events = this.#numbered(rows.events);
    const { name, text, values } = statementFor({ ...rows, events });
    const { rows: answers } = await client.query<{ fenced: number; attempts: number }>({
      name,
      text,
      values: [this.#options.epoch, this.#commitNo, ...values],
    });
    if (answers[0]?.fenced !== 1) throw new EpochLostError({ epoch: this.#options.epoch });
    if (answers[0].attempts !== rows.attempts.length) {
      this.#options.log.error(
        { attempts: rows.attempts.map(({ id }) => id), changed: answers[0].attempts },
        'Attempts were terminal in the database although the engine thought them open',
      );
    }
    this.#rows += rows.attempts.length + rows.tasks.length + events.length;
    return this.#claimIds(events.length);
  }

  #claimIds(count: number): number | undefined {
    this.#nextEventId = (this.#nextEventId ?? 1) + count;
    return count > 0 ? this.#nextEventId - 1 : undefined;
  }

  /** Whether the commit without an answer took place. */
  async #happened(client: PoolClient): Promise<boolean> {
    const { rows } = await client.query<{ epoch: number; commitNo: number }>(
      'select epoch, commit_no as "commitNo" from installation where id = 1',
    );
    if (rows[0]?.epoch !== this.#options.epoch) throw new EpochLostError({ epoch: this.#options.epoch });
    return rows[0].commitNo >= this.#commitNo;
  }

  async #connect(): Promise<PoolClient> {
    if (!this.#client) {
      const client = await this.#options.db.sql.connect();
      if (this.#stopped) {
        client.release();
        throw this.#stopped;
      }
      // Few rows by primary key each time, in tables that grow faster than their statistics: never read a whole table.
      await client.query(
        'set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set jit = off',
      );
      // One that breaks while nothing is asked of it must not fail the next who asks.
      client.once('error', (error: Error) => this.#client === client && this.#dropClient(error));
      this.#client = client;
    }
    if (this.#nextEventId === undefined) {
      const { rows } = await this.#client.query<{ next: number }>('select coalesce(max(id), 0) + 1 as next from event');
      this.#nextEventId = rows[0]?.next ?? 1;
    }
    return this.#client;
  }

  #dropClient(error: unknown): void {
    this.#client?.release(error instanceof Error ? error : true);
    this.#client = undefined;
  }

  /** The database refuses the data itself: the others must not suffer for the one change that cannot be stored. */
  async #commitOneByOne(batch: readonly Submitted[], reason: unknown): Promise<void> {
    const [only] = batch;
    if (batch.length === 1 && only) {
      this.#options.log.error({ err: reason, change: only.change }, 'A change cannot be stored and is left out');
      only.dropped?.(reason instanceof Error ? reason : new Error(String(reason)));
      return;
    }
    for (const submitted of batch) await this.#commitBatch([submitted]);
  }

  async #transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const events: NewEvent[] = [];
    const result = await this.#options.db.em().transactional((em) =>
      this.#inTransaction.run(events, async () => {
        const done = await work({
          em,
          event: (topic, clusterId, payload) => void events.push({ topic, clusterId, payload }),
        });
        await em.flush();
        await this.#appendInside(em, events);
        return done;
      }),
    );
    this.#notify(this.#claimIds(events.length));
    return result;
  }

  async #execute({ name, text, values }: Statement, events: readonly NewEvent[]): Promise<boolean> {
    const { epoch } = this.#options;
    const client = await this.#connect();
    this.#commitNo += 1;
    const own = [epoch, this.#commitNo, toJson(this.#numbered(events))];
    const { rows } = await client
      .query<{ fenced: number; happened: number }>({ name, text: guarded(text), values: [...own, ...values] })
      .catch((error: unknown) => {
        this.#dropClient(error);
        throw error;
      });
    if (rows[0]?.fenced !== 1) throw new EpochLostError({ epoch });
    if (rows[0].happened !== 1) return false;
    this.#notify(this.#claimIds(events.length));
    return true;
  }

  async #appendInside(em: EntityManager, events: readonly NewEvent[]): Promise<void> {
    const { epoch } = this.#options;
    this.#commitNo += 1;
    const fenced = await em.execute<unknown[]>(appendText, [this.#commitNo, epoch, toJson(this.#numbered(events))]);
    if (fenced.length !== 1) throw new EpochLostError({ epoch });
  }

  /** Events with the ids they will have when they are committed next. */
  #numbered(events: readonly NewEvent[]): (NewEvent & { readonly id: number; readonly at: Date })[] {
    const [firstId, at] = [this.#nextEventId ?? 1, this.#options.clock.now()];
    return events.map(({ topic, clusterId, payload }, index) => ({
      id: firstId + index,
      topic,
      clusterId,
      payload,
      at,
    }));
  }

  #notify(newestId: number | undefined): void {
    if (newestId === undefined) return;
    for (const subscriber of this.#subscribers) this.#call(() => subscriber(newestId));
  }

  #call(callback: (() => void) | undefined): void {
    try {
      callback?.();
    } catch (error) {
      this.#options.log.error({ err: error }, 'A callback after a commit failed');
    }
  }

  #fenced(error: EpochLostError, batch: readonly Submitted[]): void {
    for (const { dropped } of batch) dropped?.(error);
    this.#end(error);
    this.#options.onFenced(error);
  }

  #refuseExclusive(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error(String(reason));
    for (const { refuse } of this.#exclusive.splice(0)) refuse(error);
  }

  #end(error: Error): void {
    if (this.#stopped) return;
    this.#stopped = error;
    clearTimeout(this.#lazy);
    for (const { dropped } of this.#waiting) dropped?.(error);
    this.#waiting = [];
    this.#refuseExclusive(error);
    // Not back into the pool: its session is tuned for the writer.
    this.#client?.release(true);
    this.#client = undefined;
  }
}

/** Data exceptions and broken constraints: trying again would change nothing. */
function isRefusedData(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(?:22|23|42)[0-9A-Z]{3}$/.test(code);
}
