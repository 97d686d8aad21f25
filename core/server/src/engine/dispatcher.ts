import { isTerminal, type Reason } from '@stackyard/domain';
import type { Clock, Logger } from '@stackyard/kernel';
import type { Pool } from 'pg';
import { finish, followAttempt, issue, issuedOf, progress, withdraw } from './core/attemptRows.ts';
import { Decision } from './core/decision.ts';
import { type LoadedJob, pendingAttempt, type Place } from './core/job.ts';
import { loadJob } from './rows.ts';
import type { EnvelopeSource } from './ports.ts';
import { type Prepared, Preparer, unprepared } from './preparer.ts';
import { componentChange, servicesRemoved } from './core/results.ts';
import { createSchedulerState, type SchedulerEffect, type SchedulerEvent } from './scheduler/state.ts';
import { stepScheduler } from './scheduler/step.ts';
import type { AttemptResult } from './sessions/messages.ts';
import { failed } from './sessions/outcomes.ts';
import type { Issued } from './sessions/state.ts';
import type { Writer } from './writer/writer.ts';

export interface DispatcherOptions {
  readonly sql: Pool;
  readonly epoch: number;
  readonly writer: Writer;
  readonly envelopes: EnvelopeSource;
  readonly log: Logger;
  readonly clock: Clock;
  readonly tasksPerHost: number;
  /** The agent's session at this moment; undefined when it has none. */
  readonly sessionOf: (hostId: string) => { readonly sessionNo: number; readonly journalId: string } | undefined;
  /** RUNNING/SENT is committed: send it. */
  readonly onIssued: (hostId: string, attempt: Issued) => void;
  readonly onStop: (hostId: string, attemptId: string, cause: Reason) => void;
  /** The end of an attempt is committed. */
  readonly onSettled: (hostId: string, attemptId: string) => void;
  /** A phase changed what is to be watched on a host. */
  readonly onComponentsChanged: (hostId: string, removed: string | undefined) => void;
}

/** Phases after which the agent has to watch something else. */
const changesWatch: ReadonlySet<string> = new Set(['install', 'configure', 'start', 'stop', 'remove']);
const RETRY_LOAD_MS = 1000;

/** Carries out what the scheduler decides: keeps the rows of running jobs, and commits every step before it is told. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #scheduler;
  readonly #preparer: Preparer;
  readonly #jobs = new Map<string, LoadedJob>();
  readonly #places = new Map<string, Place>();
  readonly #loading = new Set<Promise<void>>();
  /** Jobs that are over here, but not yet in the database. */
  readonly #ending = new Set<string>();
  readonly #ended: Record<string, number> = { SUCCESSFUL: 0, FAILED: 0, CANCELED: 0 };
  #stopped = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#scheduler = createSchedulerState(options.tasksPerHost);
    this.#preparer = new Preparer(options.envelopes);
  }

  /** Decides, commits, and then tells. */
  schedule(event: SchedulerEvent): void {
    // Read from rows before its end was committed: it would run as a job that nobody ends, and hold up its cluster.
    if (event.kind === 'queued' && this.#ending.has(event.jobId)) return;
    this.#decide((decision) => this.#schedule(decision, event));
  }

  knows(jobId: string): boolean {
    return this.#scheduler.clusterOf.has(jobId);
  }

  /** Hosts that tasks wait for. */
  *awaitedHosts(): Generator<string> {
    for (const [hostId, { ready }] of this.#scheduler.hosts) if (ready.length > 0) yield hostId;
  }

  /** Resolves when the rows asked for so far are read. */
  async loaded(): Promise<void> {
    while (this.#loading.size > 0) await Promise.all(this.#loading);
  }

  /** Attempts that were issued and are not terminal. */
  *issued(): Generator<{ readonly hostId: string; readonly attempt: Issued }> {
    for (const { job, node } of this.#places.values()) {
      const { state, hostId } = job.attempts[node]!;
      if (state === 'RUNNING') yield { hostId, attempt: issuedOf(job, node) };
    }
  }

  stats(): {
    readonly queuedJobs: number;
    readonly runningJobs: number;
    readonly runningTasks: number;
    readonly endedAttempts: Readonly<Record<string, number>>;
  } {
    const { clusterOf, jobs } = this.#scheduler;
    let runningTasks = 0;
    for (const { counts } of jobs.values()) runningTasks += counts.RUNNING;
    const endedAttempts = { ...this.#ended };
    return { queuedJobs: clusterOf.size - jobs.size, runningJobs: jobs.size, runningTasks, endedAttempts };
  }

  stop(): void {
    this.#stopped = true;
    this.#preparer.stop();
  }

  /** The agent journaled the attempt, or runs it. */
  progressed(attemptId: string, dispatch: 'ACCEPTED' | 'STARTED'): void {
    const place = this.#places.get(attemptId);
    if (!place) return;
    const { job, node } = place;
    const next = progress(job.attempts[node]!, dispatch, this.#options.clock.now());
    if (!next) return;
    job.attempts[node] = next;
    // Never sent again; only what `configure` was told to write is asked for once more.
    if (job.tasks[node]!.phase !== 'configure') this.#preparer.drop(attemptId);
    const decision = new Decision();
    decision.task(job, node);
    if (!this.#stopped) this.#options.writer.submitLazily(decision.change());
  }

  /** The attempt ended; `told` runs when that is committed, also when it was known before. */
  ended(attemptId: string, result: AttemptResult, told?: () => void): void {
    const place = this.#places.get(attemptId);
    const asksEnvelope = place?.job.tasks[place.node]!.phase === 'configure' && result.reason === undefined;
    if (!place || !asksEnvelope || this.#preparer.get(attemptId)) return this.#end(attemptId, result, told);
    // Issued before a restart of the server: what it was told to write is built again.
    this.#preparer
      .prepare(place)
      .catch((error: unknown) =>
        this.#options.log.error({ err: error, attemptId }, 'An envelope could not be built again'),
      )
      .finally(() => this.#end(attemptId, result, told));
  }

  /** The envelope of an issued attempt, built again after a restart; undefined when it would be another. */
  async envelope(attemptId: string): Promise<Prepared | undefined> {
    const place = this.#places.get(attemptId);
    if (!place) return undefined;
    if (!this.#preparer.get(attemptId)) await this.#preparer.prepare(place);
    const prepared = this.#preparer.get(attemptId);
    return prepared?.hash === place.job.attempts[place.node]!.envelopeHash ? prepared : undefined;
  }

  #end(attemptId: string, result: AttemptResult, told: (() => void) | undefined): void {
    this.#decide((decision) => {
      if (told) decision.onCommit(told);
      const place = this.#places.get(attemptId);
      if (place) this.#take(decision, place, result);
    });
  }

  #take(decision: Decision, { job, node }: Place, result: AttemptResult): void {
    const task = job.tasks[node]!;
    const asked = { now: this.#options.clock.now(), canceled: job.row.cancelRequested };
    const next = finish(job.attempts[node]!, result, asked);
    if (!next || !isTerminal(next.state)) return;
    const { id, hostId, number, state, reason } = next;
    this.#turn(decision, job, node, next);
    if (state === 'SUCCESSFUL') {
      decision.add(componentChange({ job: job.row, task, result, envelope: this.#preparer.get(id)?.bytes }));
      if (changesWatch.has(task.phase)) {
        const removed = task.phase === 'remove' ? task.hostComponentId : undefined;
        decision.onCommit(() => this.#options.onComponentsChanged(hostId, removed));
      }
    }
    this.#drop(id);
    decision.onCommit(() => this.#options.onSettled(hostId, id));
    const ended = { jobId: job.row.id, task: node, attempt: number, state, reason: reason ?? undefined };
    this.#schedule(decision, { kind: 'ended', ...ended });
  }

  #turn(decision: Decision, job: LoadedJob, node: number, next: LoadedJob['attempts'][number]): void {
    job.attempts[node] = next;
    if (isTerminal(next.state)) this.#ended[next.state]! += 1;
    followAttempt(job, node);
    decision.task(job, node);
  }

  #decide(step: (decision: Decision) => void): void {
    if (this.#stopped) return;
    const decision = new Decision();
    step(decision);
    if (!decision.empty) this.#options.writer.submit(decision.change(), () => decision.committed());
  }

  #schedule(decision: Decision, event: SchedulerEvent): void {
    for (const effect of stepScheduler(this.#scheduler, event)) this.#carryOut(decision, effect);
  }

  #carryOut(decision: Decision, effect: SchedulerEffect): void {
    if (effect.kind === 'load') return this.#load(effect.jobId);
    const job = this.#jobs.get(effect.jobId);
    if (!job) return;
    switch (effect.kind) {
      case 'prepare':
        this.#prepare(job, effect.task, effect.attempt);
        return;
      case 'abandon':
        this.#preparer.drop(job.attempts[effect.task]!.id);
        return;
      case 'issue':
        this.#issue(decision, job, effect.task);
        return;
      case 'stop': {
        const { hostId, id } = job.attempts[effect.task]!;
        decision.onCommit(() => this.#options.onStop(hostId, id, 'USER_CANCEL'));
        return;
      }
      case 'withdraw': {
        const attempt = job.attempts[effect.task]!;
        this.#places.delete(attempt.id);
        const next = withdraw(attempt, effect.state, effect.reason, this.#options.clock.now());
        this.#turn(decision, job, effect.task, next);
        return;
      }
      case 'renew': {
        const attempt = pendingAttempt(job.tasks[effect.task]!, effect.attempt);
        this.#places.set(attempt.id, { job, node: effect.task });
        this.#turn(decision, job, effect.task, attempt);
        return;
      }
      case 'job':
        this.#jobChanged(decision, job, effect);
        return;
      case 'release':
        this.#release(job);
        this.#ending.add(job.row.id);
        decision.onCommit(() => this.#ending.delete(job.row.id));
        this.#options.log.info({ jobId: job.row.id, state: job.row.state }, 'Job finished');
        return;
    }
  }

  #jobChanged(decision: Decision, job: LoadedJob, effect: Extract<SchedulerEffect, { kind: 'job' }>): void {
    const { row } = job;
    const now = this.#options.clock.now();
    row.state = effect.state;
    row.counts = { ...effect.counts };
    row.reason = effect.reason ?? null;
    if (effect.state !== 'PENDING') row.startedAt ??= now;
    row.finishedAt = isTerminal(effect.state) ? now : null;
    row.cancelRequested ||= this.#scheduler.jobs.get(row.id)?.cancelRequested ?? false;
    if (effect.state === 'SUCCESSFUL') decision.add({ events: servicesRemoved(row) });
    decision.job(job);
  }

  #release(job: LoadedJob): void {
    this.#jobs.delete(job.row.id);
    for (const { id } of job.attempts) this.#drop(id);
    this.#preparer.release(job.row.id);
  }

  #drop(attemptId: string): void {
    this.#places.delete(attemptId);
    this.#preparer.drop(attemptId);
  }

  #load(jobId: string): void {
    const loading = loadJob(this.#options.sql, jobId).then(
      (job) => {
        if (!job) this.schedule({ kind: 'gone', jobId });
        else if (!this.#jobs.has(jobId)) this.#start(job);
      },
      (error: unknown) => {
        this.#options.log.error({ err: error, jobId }, 'The rows of a job could not be read; it will be tried again');
        setTimeout(() => !this.#stopped && this.#load(jobId), RETRY_LOAD_MS).unref();
      },
    );
    this.#loading.add(loading);
    void loading.finally(() => this.#loading.delete(loading));
  }

  #start(job: LoadedJob): void {
    this.#jobs.set(job.row.id, job);
    job.attempts.forEach((attempt, node) => {
      if (!isTerminal(attempt.state)) this.#places.set(attempt.id, { job, node });
    });
    this.schedule({ kind: 'loaded', job: job.input });
    // Its turn has not come: it is read again when it has.
    if (!this.#scheduler.jobs.has(job.row.id) && this.#jobs.get(job.row.id) === job) this.#release(job);
  }

  #prepare(job: LoadedJob, node: number, attempt: number): void {
    const { id } = job.attempts[node]!;
    const jobId = job.row.id;
    this.#preparer.prepare({ job, node }).then(
      (wanted) => {
        if (wanted) this.schedule({ kind: 'prepared', jobId, task: node, attempt });
      },
      (error: unknown) => {
        this.#options.log.warn({ err: error, jobId, attemptId: id }, 'A task could not be prepared');
        this.#end(id, unprepared(error), undefined);
      },
    );
  }

  #issue(decision: Decision, job: LoadedJob, node: number): void {
    const attempt = job.attempts[node]!;
    const { hostId, id } = attempt;
    const session = this.#options.sessionOf(hostId);
    const envelopeHash = this.#preparer.get(id)?.hash;
    if (!session || envelopeHash === undefined) {
      // Cannot be: the scheduler issues only to hosts that are up, and only what was prepared.
      this.#options.log.error({ hostId, attemptId: id }, 'An attempt was issued without a session or an envelope');
      this.#take(decision, { job, node }, failed('LOST', 'The agent went away while the task was being issued.'));
      return;
    }
    const { epoch, clock } = this.#options;
    const next = issue(attempt, { ...session, envelopeHash, epoch, issuedAt: clock.now() });
    if (!next) return;
    this.#turn(decision, job, node, next);
    decision.onCommit(() => {
      if (this.#places.has(id)) this.#options.onIssued(hostId, issuedOf(job, node));
    });
  }
}
