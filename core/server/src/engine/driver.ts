import type { Clock, Logger } from '@stackyard/kernel';
import type { EngineEffect } from './core/effects.ts';
import type { Happening } from './core/events.ts';
import type { JobRow, TaskRow } from '../database/entities.ts';
import { firstTasks, issuedFirst } from './core/firsts.ts';
import { type LoadedJob, loadedJob } from './core/job.ts';
import { type EngineState, type EngineTerms, createEngineState } from './core/state.ts';
import { stepEngine } from './core/step.ts';
import { JobEnds } from './jobEnds.ts';
import type { Issuable, KnownJob, StoredJob } from './ports.ts';
import type { Preparer } from './preparer.ts';
import type { Writer } from './writer/writer.ts';

export type AgentEffect = Extract<
  EngineEffect,
  { readonly kind: 'send' | 'dispatch' | 'close' | 'watch' | 'components' | 'alert' }
>;

/** Carries out what reaches agents, or is about them. */
export interface AgentSide {
  carryOut(effect: AgentEffect): void;
}

export interface DriverOptions {
  readonly terms: EngineTerms;
  readonly writer: Pick<Writer, 'submit' | 'submitLazily'>;
  readonly preparer: Preparer;
  /** The rows of a job; undefined when it is gone or terminal. */
  readonly loadJob: (jobId: string) => Promise<LoadedJob | undefined>;
  readonly agents: () => AgentSide;
  readonly log: Logger;
  readonly clock: Clock;
}

const RETRY_LOAD_MS = 1000;

/** Feeds the engine with what happens, and carries out what it asks for. */
export class EngineDriver {
  readonly state: EngineState;
  readonly #options: DriverOptions;
  readonly #loading = new Set<Promise<void>>();
  readonly #ends = new JobEnds();
  /** Number of the newest commit that is known to have happened. */
  #durable = 0;
  #isTelling = false;
  #stopped = false;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.state = createEngineState(options.terms);
  }

  happened(happening: Happening): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    const event = { ...happening, now: clock.monotonicMs(), at: clock.now() };
    for (const effect of stepEngine(this.state, event)) this.#carryOut(effect);
  }

  /** Of a job that is about to be stored: which of its tasks can be stored as issued, by envelopes that are built now. */
  async issuable(row: JobRow, tasks: readonly TaskRow[]): Promise<readonly Issuable[]> {
    const job = loadedJob(row, tasks, []);
    const first = firstTasks(this.state, job);
    if (this.#stopped || first.length === 0) return [];
    const attempts = new Map(first.map((node) => [job.attempts[node]!.id, job.attempts[node]!]));
    const at = this.#options.clock.now();
    return (await this.#options.preparer.foresee(job, first)).flatMap((envelope) => {
      const attempt = issuedFirst(this.state, attempts.get(envelope.attemptId)!, { envelope, at });
      return attempt ? [{ attempt, envelope }] : [];
    });
  }

  /** A job was stored, with these attempts of it as issued. */
  stored({ row, tasks, issued }: Extract<StoredJob, { readonly row: JobRow }>): void {
    for (const { envelope } of issued) this.#options.preparer.keep(envelope);
    this.happened({ kind: 'stored', row, tasks, issued });
  }

  /** Resolves when the rows asked for so far are read. */
  async loaded(): Promise<void> {
    while (this.#loading.size > 0) await Promise.all(this.#loading);
  }

  /** A job that is in the queues, or about to end; undefined for others. */
  known(jobId: string): KnownJob | undefined {
    const { scheduler, ending } = this.state;
    const clusterId = scheduler.clusterOf.get(jobId) ?? ending.get(jobId);
    return clusterId === undefined ? undefined : { clusterId, ended: () => this.#ends.of(jobId) };
  }

  stop(): void {
    this.#stopped = true;
    this.#options.preparer.stop();
  }

  #carryOut(effect: EngineEffect): void {
    const { writer, preparer, log } = this.#options;
    switch (effect.kind) {
      case 'commit': {
        const { commit, change } = effect;
        if (effect.lazy) writer.submitLazily(change);
        else {
          writer.submit(
            change,
            () => this.#isDurable(commit),
            () => this.happened({ kind: 'refused', commit }),
          );
        }
        return;
      }
      case 'load':
        this.#load(effect.jobId);
        return;
      case 'prepare':
        preparer.prepare(effect.attemptId, effect.place);
        return;
      case 'abandon':
        preparer.drop(effect.attemptId);
        return;
      case 'release':
        preparer.release(effect.jobId);
        return;
      case 'over':
        this.#ends.tell(effect.job.id, effect.job);
        return;
      case 'log':
        log[effect.level](effect.fields, effect.sentence);
        return;
      case 'send':
      case 'dispatch':
      case 'close':
      case 'watch':
      case 'components':
      case 'alert':
        this.#options.agents().carryOut(effect);
        return;
    }
  }

  /** Those of one statement are told of one after the other: the newest of them speaks for all. */
  #isDurable(commit: number): void {
    this.#durable = commit;
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      this.happened({ kind: 'committed', commit: this.#durable });
    });
  }

  #load(jobId: string): void {
    const { loadJob, log } = this.#options;
    const loading = loadJob(jobId).then(
      (job) => {
        this.happened(job ? { kind: 'loaded', job } : { kind: 'gone', jobId });
        if (!job) this.#ends.tell(jobId, undefined);
      },
      (error: unknown) => {
        log.error({ err: error, jobId }, 'The rows of a job could not be read; it will be tried again');
        setTimeout(() => !this.#stopped && this.#load(jobId), RETRY_LOAD_MS).unref();
      },
    );
    this.#loading.add(loading);
    void loading.finally(() => this.#loading.delete(loading));
  }
}
