import type { ExecutorEffect, ExecutorHappening } from '../executor/state.ts';
import { type AttemptRef, attemptId } from './entry.ts';
import type { Job } from './job.ts';
import type { Spool } from './spool.ts';
import { sentenceOf } from './systemError.ts';

export interface PreparationsOptions {
  readonly spool: Spool;
  readonly prepare: (ref: AttemptRef, envelope: Buffer, signal: AbortSignal) => Promise<Job>;
  readonly happened: (happening: ExecutorHappening) => void;
}

/** What attempts need before their runners: got ready one by one, kept until the runner has it. */
export class Preparations {
  readonly #options: PreparationsOptions;
  readonly #underWay = new Map<string, AbortController>();
  readonly #jobs = new Map<string, Job>();

  constructor(options: PreparationsOptions) {
    this.#options = options;
  }

  start({ attempt, envelope }: Extract<ExecutorEffect, { kind: 'prepare' }>): void {
    const abort = new AbortController();
    this.#underWay.set(attemptId(attempt), abort);
    void this.#prepare(attempt, envelope, abort.signal).then((happening) => {
      this.#underWay.delete(attemptId(attempt));
      this.#options.happened(happening);
    });
  }

  async #prepare(attempt: AttemptRef, envelope: Buffer | undefined, signal: AbortSignal): Promise<ExecutorHappening> {
    const { spool, prepare } = this.#options;
    try {
      const job = await prepare(attempt, envelope ?? (await spool.payloadOf(attempt)), signal);
      this.#jobs.set(attemptId(attempt), job);
      return { kind: 'prepared', attempt };
    } catch (error) {
      const { reason = 'EXIT_NONZERO' } = error as { reason?: string };
      return { kind: 'notPrepared', attempt, reason, message: sentenceOf(error) };
    }
  }

  abandon(ref: AttemptRef): void {
    this.#underWay.get(attemptId(ref))?.abort(new Error('It was canceled before it was started.'));
  }

  /** What the runner of a prepared attempt does. */
  jobOf(ref: AttemptRef): Job {
    const job = this.#jobs.get(attemptId(ref));
    if (!job) throw new Error(`Attempt ${attemptId(ref)} is handed to a runner before it was prepared.`);
    return job;
  }

  forget(ref: AttemptRef): void {
    this.#jobs.delete(attemptId(ref));
  }

  close(): void {
    for (const abort of this.#underWay.values()) abort.abort(new Error('The agent is stopping.'));
  }
}
