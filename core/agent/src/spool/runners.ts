import type { Decision } from '../executor/records.ts';
import type { ExecutorEffect, ExecutorHappening } from '../executor/state.ts';
import type { AttemptRef } from './entry.ts';
import type { Job, RunnerSays } from './job.ts';
import type { Runner, RunnerPool } from './runnerPool.ts';
import type { Spool } from './spool.ts';

export interface RunnersOptions {
  readonly spool: Spool;
  readonly pool: RunnerPool;
  readonly jobOf: (ref: AttemptRef) => Job;
  readonly happened: (happening: ExecutorHappening) => void;
}

interface Taken {
  readonly runner: Runner;
  silence?: NodeJS.Timeout;
}

type EffectOf<K extends ExecutorEffect['kind']> = Extract<ExecutorEffect, { kind: K }>;

/** A decision takes milliseconds; on a disk that hangs it may take this long before the agent races for it. */
const silentMs = 30_000;

/** Runners that were given a try, by the numbers the executor knows them by. */
export class Runners {
  readonly #options: RunnersOptions;
  readonly #taken = new Map<number, Taken>();

  constructor(options: RunnersOptions) {
    this.#options = options;
  }

  /** Whether the process of a decision is one of ours: then its words and its end are heard. */
  has({ pid, cookie }: Decision): boolean {
    return [...this.#taken.values()].some(({ runner }) => runner.pid === pid && runner.cookie === cookie);
  }

  assign({ attempt, tryNumber, runner: number }: EffectOf<'assign'>): void {
    const { spool, pool, jobOf, happened } = this.#options;
    const job = jobOf(attempt);
    const runner = pool.take(job.code);
    const taken: Taken = { runner };
    this.#taken.set(number, taken);
    runner.onSay((said) => {
      clearTimeout(taken.silence);
      const happening = heard(said, attempt, number);
      if (happening) happened(happening);
    });
    runner.onGone((_code, _signal, failure) => {
      clearTimeout(taken.silence);
      this.#taken.delete(number);
      happened({ kind: 'runnerGone', attempt, runner: number, failure: failure?.message });
    });
    const { bootId } = spool;
    runner.assign({ ...attempt, attemptDir: spool.pathOf(attempt), tryNumber, bootId, job });
  }

  release({ attempt, runner: number }: EffectOf<'release'>): void {
    const taken = this.#taken.get(number);
    if (!taken) return; // gone, which has been told
    taken.runner.release();
    const silent = (): void => this.#options.happened({ kind: 'runnerSilent', attempt, runner: number });
    taken.silence = setTimeout(silent, silentMs).unref();
  }

  dismiss({ runner }: EffectOf<'dismiss'>): void {
    this.#taken.get(runner)?.runner.dismiss();
  }

  close(): void {
    for (const { silence } of this.#taken.values()) clearTimeout(silence);
  }
}

function heard(said: RunnerSays, attempt: AttemptRef, runner: number): ExecutorHappening | undefined {
  switch (said.say) {
    case 'decided':
      return { kind: 'decided', attempt, runner, decision: said.decision };
    case 'fenced':
      return { kind: 'runnerFenced', attempt, runner };
    case 'done':
      return { kind: 'runnerDone', attempt, runner };
    case 'ready':
      return undefined;
  }
}
