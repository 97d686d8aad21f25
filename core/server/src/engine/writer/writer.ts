import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, Logger } from '@stackyard/kernel';
import { EpochLostError } from '../../database/errors.ts';
import type { Database } from '../../database/openDatabase.ts';
import { WriterStoppedError } from '../errors.ts';
import type { EventPayload, Events, EventTopic, Statement, Statements, Transaction } from '../ports.ts';
import type { Change, NewEvent } from './changes.ts';
import { isRefusedData, WriterConnection } from './connection.ts';
import type { NumberedEvent, WriterEffect, WriterHappening } from './events.ts';
import { createHistogram, type Histogram } from './histogram.ts';
import { createWriterState, isIdle, type WriterState } from './state.ts';
import { stepWriter } from './step.ts';

export interface WriterOptions {
  readonly db: Database;
  readonly epoch: number;
  readonly log: Logger;
  readonly clock: Clock;
  /** Another server has taken over: nothing more will be written. */
  readonly onFenced: (error: EpochLostError) => void;
}

const LAZY_MS = 20;
const PATIENCE_MS = 5_000;

/** Who hears what became of a submitted change. */
interface Listener {
  readonly told: (() => void) | undefined;
  readonly dropped: ((error: Error, why: 'refused' | 'ended') => void) | undefined;
}

/** A transaction of others; `work` answers how many events it wrote. */
interface Asked {
  readonly work: (commitNo: number, numbered: (events: readonly NewEvent[]) => NumberedEvent[]) => Promise<number>;
  readonly settle: () => void;
  readonly refuse: (error: Error) => void;
}

/**
 * The one writer of attempts, tasks, jobs, host components and events. What is submitted while a commit is in flight
 * goes into the next one; `told` runs after the commit, so what agents and clients hear is durable.
 */
export class Writer implements Events, Statements {
  readonly #options: WriterOptions;
  readonly #state: WriterState;
  readonly #connection: WriterConnection;
  readonly #latency = createHistogram();
  readonly #subscribers = new Set<(newestId: number) => void>();
  readonly #inTransaction = new AsyncLocalStorage<NewEvent[]>();
  readonly #listeners = new Map<number, Listener>();
  readonly #asked = new Map<number, Asked>();
  #last = 0;
  #timer: NodeJS.Timeout | undefined;
  #idle: PromiseWithResolvers<void> | undefined;
  #startedMs: number | undefined;
  #problem: Error | undefined;
  #stopped: Error | undefined;
  #rows = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    const { db, epoch } = options;
    this.#state = createWriterState({ epoch, lazyMs: LAZY_MS, patienceMs: PATIENCE_MS });
    this.#connection = new WriterConnection(db, epoch);
  }

  /**
   * Commits a change soon; `told` runs after that, never when the writer is fenced or stopped before. `refused` runs
   * instead when the database does not take the change.
   */
  submit(change: Change, told?: () => void, refused?: () => void): void {
    const dropped = refused && ((_: Error, why: string) => void (why === 'refused' && refused()));
    this.#submit(change, false, told || refused ? { told, dropped } : undefined);
  }

  /** Commits a change with the next one that cannot wait, in 20 ms at the latest. */
  submitLazily(change: Change): void {
    this.#submit(change, true, undefined);
  }

  /** Resolves when what was submitted so far, and this, is committed. */
  commit(change: Change): Promise<void> {
    return new Promise((resolve, reject) => this.#submit(change, false, { told: resolve, dropped: reject }));
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
    return this.#alone(async (commitNo, numbered) => {
      const events: NewEvent[] = [];
      const result = await this.#options.db.em().transactional((em) =>
        this.#inTransaction.run(events, async () => {
          const done = await work({
            em,
            event: (topic, clusterId, payload) => void events.push({ topic, clusterId, payload }),
          });
          await em.flush();
          await this.#connection.append(em, commitNo, numbered(events));
          return done;
        }),
      );
      return { result, events: events.length };
    });
  }

  /** As `run`, for a transaction that is one statement. */
  execute<Answer = true>(statement: Statement, events: readonly NewEvent[]): Promise<Answer | undefined> {
    return this.#alone(async (commitNo, numbered) => {
      const answer = await this.#connection.run(statement, commitNo, numbered(events));
      return answer === null ? { result: undefined, events: 0 } : { result: answer as Answer, events: events.length };
    });
  }

  /** Commits what is submitted, when the database lets it within `withinMs`, then refuses everything. */
  async stop(withinMs = 5000): Promise<void> {
    this.#step({ kind: 'press' });
    if (!isIdle(this.#state)) {
      this.#idle = Promise.withResolvers<void>();
      const limit = setTimeout(this.#idle.resolve, withinMs);
      await this.#idle.promise;
      clearTimeout(limit);
    }
    this.#end(new WriterStoppedError({}));
  }

  /** Refuses everything from now on, also what was submitted: as if the process had been killed. */
  abandon(): void {
    this.#end(new WriterStoppedError({}));
  }

  stats(): { readonly commitMs: Histogram; readonly rows: number; readonly waiting: number } {
    return { commitMs: this.#latency.read(), rows: this.#rows, waiting: this.#state.waiting.length };
  }

  #submit(change: Change, lazy: boolean, listener: Listener | undefined): void {
    const ticket = ++this.#last;
    if (listener) this.#listeners.set(ticket, listener);
    this.#step({ kind: 'submit', ticket, change, lazy });
  }

  #alone<T>(
    work: (
      commitNo: number,
      numbered: (events: readonly NewEvent[]) => NumberedEvent[],
    ) => Promise<{ readonly result: T; readonly events: number }>,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const id = ++this.#last;
      let settle = (): void => undefined;
      this.#asked.set(id, {
        work: async (commitNo, numbered) => {
          const { result, events } = await work(commitNo, numbered);
          settle = () => resolve(result);
          return events;
        },
        settle: () => settle(),
        refuse: reject,
      });
      this.#step({ kind: 'ask', id });
    });
  }

  #step(happening: WriterHappening): void {
    const { clock } = this.#options;
    const event = { ...happening, now: clock.monotonicMs(), at: clock.now() };
    for (const effect of stepWriter(this.#state, event)) this.#carryOut(effect);
    if (this.#idle && isIdle(this.#state)) this.#idle.resolve();
  }

  #carryOut(effect: WriterEffect): void {
    switch (effect.kind) {
      case 'gather':
        setImmediate(() => this.#step({ kind: 'gathered' }));
        return;
      case 'wake':
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#step({ kind: 'woken' }), effect.afterMs);
        return;
      case 'execute':
        void this.#execute(effect);
        return;
      case 'look':
        this.#connection.look().then(
          (seen) => this.#step({ kind: 'seen', ...seen }),
          (error: unknown) => this.#failed(error),
        );
        return;
      case 'transact':
        void this.#transact(effect);
        return;
      case 'committed':
        this.#committed(effect);
        return;
      case 'dropped':
        for (const ticket of effect.tickets) this.#drop(ticket, effect.why);
        return;
      case 'turnedAway':
        for (const id of effect.ids) this.#turnAway(id, effect.why);
        return;
      case 'fenced':
        this.#fenced();
        return;
    }
  }

  async #execute({ commitNo, batch }: Extract<WriterEffect, { kind: 'execute' }>): Promise<void> {
    this.#startedMs ??= this.#options.clock.monotonicMs();
    try {
      const { fenced, attempts } = await this.#connection.write(commitNo, batch);
      if (!fenced) {
        this.#rows += batch.attempts.length + batch.tasks.length + batch.events.length;
        if (attempts !== batch.attempts.length) {
          this.#options.log.error(
            { attempts: batch.attempts.map(({ id }) => id), changed: attempts },
            'Attempts were terminal in the database although the engine thought them open',
          );
        }
      }
      this.#step({ kind: 'executed', fenced });
    } catch (error) {
      this.#failed(error);
    }
  }

  async #transact({ id, commitNo, firstEventId }: Extract<WriterEffect, { kind: 'transact' }>): Promise<void> {
    const asked = this.#asked.get(id);
    if (!asked) return;
    this.#asked.delete(id);
    const at = this.#options.clock.now();
    try {
      const events = await asked.work(commitNo, (some) =>
        some.map(({ topic, clusterId, payload }, index) => ({
          id: firstEventId + index,
          topic,
          clusterId,
          payload,
          at,
        })),
      );
      this.#step({ kind: 'transacted', outcome: 'committed', events });
      asked.settle();
    } catch (error) {
      this.#step({ kind: 'transacted', outcome: error instanceof EpochLostError ? 'fenced' : 'failed', events: 0 });
      asked.refuse(asError(error));
    }
  }

  #committed({ tickets, newestEventId }: Extract<WriterEffect, { kind: 'committed' }>): void {
    if (this.#startedMs !== undefined && tickets.length > 0) {
      this.#latency.observe(this.#options.clock.monotonicMs() - this.#startedMs);
      this.#startedMs = undefined;
    }
    if (newestEventId !== undefined) {
      for (const subscriber of this.#subscribers) this.#call(() => subscriber(newestEventId));
    }
    for (const ticket of tickets) {
      const listener = this.#listeners.get(ticket);
      if (!listener) continue;
      this.#listeners.delete(ticket);
      this.#call(listener.told);
    }
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    this.#problem = asError(error);
    const refused = isRefusedData(error);
    const { failures = 0, work } = this.#state.flight ?? {};
    if (!refused) this.#options.log.error({ err: error, failures }, 'Commit failed; it will be tried again');
    else if (work?.submitted.length === 1) {
      const { change } = work.submitted[0]!;
      this.#options.log.error({ err: error, change }, 'A change cannot be stored and is left out');
    }
    this.#step({ kind: 'failed', refused });
  }

  #drop(ticket: number, why: 'refused' | 'ended'): void {
    const listener = this.#listeners.get(ticket);
    this.#listeners.delete(ticket);
    const error = (why === 'refused' ? this.#problem : this.#stopped) ?? new WriterStoppedError({});
    this.#call(() => listener?.dropped?.(error, why));
  }

  #turnAway(id: number, why: 'impatient' | 'ended'): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    asked?.refuse((why === 'impatient' ? this.#problem : this.#stopped) ?? new WriterStoppedError({}));
  }

  #call(callback: (() => void) | undefined): void {
    try {
      callback?.();
    } catch (error) {
      this.#options.log.error({ err: error }, 'A callback after a commit failed');
    }
  }

  #fenced(): void {
    const error = new EpochLostError({ epoch: this.#options.epoch });
    this.#end(error);
    this.#options.onFenced(error);
  }

  #end(error: Error): void {
    if (this.#stopped) return;
    this.#stopped = error;
    clearTimeout(this.#timer);
    this.#step({ kind: 'end' });
    this.#connection.close();
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
