import { setTimeout as delay } from 'node:timers/promises';
import {
  createExecutorState,
  type ExecutorEffect,
  type ExecutorHappening,
  type ExecutorState,
  type RecoveredAttempt,
} from '../executor/state.ts';
import { stepExecutor } from '../executor/step.ts';
import { fromExit } from '../executor/results.ts';
import type { AttemptEffect, Happening } from '../session/driver.ts';
import type { Kept } from '../session/state.ts';
import { answer, type Asked, type EndedHow } from './answer.ts';
import { type AttemptRef, monotonicMs, readProgress } from './entry.ts';
import { Followers } from './followers.ts';
import { type Job, outputFile } from './job.ts';
import { observe } from './outcome.ts';
import { Preparations } from './preparations.ts';
import type { RunnerPool } from './runnerPool.ts';
import { Runners } from './runners.ts';
import { sizeOf } from './size.ts';
import type { Spool } from './spool.ts';
import { endStrays } from './strays.ts';

export interface AttemptsOptions {
  readonly spool: Spool;
  readonly pool: RunnerPool;
  /**
   * Gets ready what an attempt needs, gives back what its runner does. A thrown error fails the attempt, with the error's
   * `reason` where it has one.
   */
  readonly prepare: (ref: AttemptRef, envelope: Buffer, signal: AbortSignal) => Promise<Job>;
  /** Something went wrong that no result tells. */
  readonly alert: (message: string, ref: AttemptRef, error?: unknown) => void;
  /** What ran was ended because that was asked for. */
  readonly ended?: (ref: AttemptRef, how: EndedHow) => void;
}

const againMs = 5_000;

/** Carries out what the executor asks for: with the journal on disk, with runners, with the processes of this host. */
export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #state: ExecutorState;
  readonly #queue: ExecutorHappening[] = [];
  readonly #preparations: Preparations;
  readonly #runners: Runners;
  readonly #followers: Followers;
  readonly #closed = new AbortController();
  readonly #unsaid: Happening[] = [];
  #say: ((happening: Happening) => void) | undefined;
  #recovered: ((attempts: readonly RecoveredAttempt[]) => void) | undefined;
  #busy = false;

  constructor(options: AttemptsOptions) {
    const { spool, pool, prepare } = options;
    this.#options = options;
    this.#state = createExecutorState(spool.bootId);
    const happened = (happening: ExecutorHappening): void => this.#happened(happening);
    this.#preparations = new Preparations({ spool, prepare, happened });
    this.#runners = new Runners({ spool, pool, happened, jobOf: (ref) => this.#preparations.jobOf(ref) });
    this.#followers = new Followers({ spool, happened });
  }

  /** Where the attempt's output is from its start on; appended to only. */
  logFileOf(ref: AttemptRef): string {
    return `${this.#options.spool.pathOf(ref)}/${outputFile}`;
  }

  /** How many bytes of output there are; 0 before the start. */
  logSizeOf(ref: AttemptRef): Promise<number> {
    return sizeOf(this.logFileOf(ref));
  }

  /** A result that the server has acknowledged, while it is kept. */
  async recall(ref: AttemptRef): Promise<Kept | undefined> {
    const settled = await this.#options.spool.settledResult(ref);
    if (!settled) return undefined;
    return { hash: settled.accepted.hash, result: fromExit(settled.exit, await this.logSizeOf(ref)) };
  }

  /** Looks at everything the agent before left, once; what runs is followed. Nothing is said before `attach`. */
  async recover(): Promise<readonly RecoveredAttempt[]> {
    const { spool } = this.#options;
    if (spool.isNew) await endStrays(spool.dir);
    const found = await Promise.all(spool.unsettled().map((accepted) => observe(spool, accepted)));
    const quarantined = await Promise.all(
      spool.quarantined.map(async ({ ref, path }) => ({ attempt: ref, decision: (await readProgress(path)).decision })),
    );
    return new Promise((resolve) => {
      this.#recovered = resolve;
      this.#happened({ kind: 'boot', found, quarantined });
    });
  }

  /** Who hears from now on what happens to attempts, with all that has happened since `recover`. */
  attach(say: (happening: Happening) => void): void {
    this.#say = say;
    for (const happening of this.#unsaid.splice(0)) say(happening);
  }

  /** What the session asks for. */
  ask(effect: AttemptEffect): void {
    this.#happened(effect);
  }

  /** Stops following; what runs carries on. */
  close(): void {
    this.#closed.abort();
    this.#preparations.close();
    this.#runners.close();
    this.#followers.close();
  }

  #happened(happening: ExecutorHappening): void {
    this.#queue.push(happening);
    if (this.#busy || this.#closed.signal.aborted) return;
    this.#busy = true;
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
        for (const effect of stepExecutor(this.#state, { ...next, now: monotonicMs() })) this.#carryOut(effect);
      }
    } finally {
      this.#busy = false;
    }
  }

  #carryOut(effect: ExecutorEffect): void {
    switch (effect.kind) {
      case 'prepare':
        return this.#preparations.start(effect);
      case 'abandon':
        return this.#preparations.abandon(effect.attempt);
      case 'assign':
        return this.#runners.assign(effect);
      case 'release':
        return this.#runners.release(effect);
      case 'dismiss':
        return this.#runners.dismiss(effect);
      case 'follow':
        this.#options.spool.advance(effect.attempt, 'DECIDED');
        if (!this.#runners.has(effect.decision)) this.#followers.follow(effect);
        return;
      case 'say':
        return this.#tell(effect.happening);
      case 'recovered':
        return this.#recovered?.(effect.attempts);
      case 'alert':
        return this.#options.alert(effect.message, effect.attempt);
      case 'writeCommand':
        // While the command goes to the disk a runner can start; those for later wait until there is a core for them.
        this.#options.pool.warmUp(1);
        return void this.#work(effect);
      case 'fence':
      case 'readExit':
      case 'endProcesses':
      case 'writeExit':
      case 'bury':
      case 'settle':
        void this.#work(effect);
    }
  }

  #tell(happening: Happening): void {
    if (happening.kind === 'exited') {
      this.#followers.stop(happening.attempt);
      this.#preparations.forget(happening.attempt);
      this.#options.spool.advance(happening.attempt, 'EXITED');
    }
    if (this.#say) this.#say(happening);
    else this.#unsaid.push(happening);
  }

  /** What the host refuses is asked of it again: without an answer an attempt would hang. */
  async #work(effect: Asked): Promise<void> {
    const { spool, alert, ended = () => undefined } = this.#options;
    const { signal } = this.#closed;
    for (;;) {
      try {
        const happening = await answer(effect, { spool, signal, ended });
        return happening && this.#happened(happening);
      } catch (error) {
        if (signal.aborted) return;
        const ref = effect.kind === 'writeCommand' ? effect.order.attempt : effect.attempt;
        alert('The host refuses what an attempt needs; it is asked again', ref, error);
        await delay(againMs, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }
}
