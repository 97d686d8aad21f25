import { createHash } from 'node:crypto';
import { isTerminal, type Reason, stepAttempt } from '@stackyard/domain';
import { type Clock, type Logger, StackyardError } from '@stackyard/kernel';
import { encodeEnvelope } from '@stackyard/proto';
import type { Pool } from 'pg';
import { Decision } from './decision.ts';
import { type LoadedJob, loadJob, pendingAttempt, type Place } from './jobs.ts';
import type { EnvelopeSource } from './ports.ts';
import { componentChange } from './results.ts';
import { createSchedulerState, type SchedulerEffect, type SchedulerEvent } from './scheduler/state.ts';
import { stepScheduler } from './scheduler/step.ts';
import type { AttemptResult } from './sessions/messages.ts';
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

interface Prepared {
  readonly bytes: Buffer;
  readonly hash: string;
}

/** Phases after which the agent has to watch something else. */
const changesWatch: ReadonlySet<string> = new Set(['install', 'configure', 'start', 'stop', 'remove']);
const damaged: ReadonlySet<string> = new Set([
  'PACKAGE_CHECKSUM',
  'PACKAGE_PIN',
  'PACKAGE_SIZE',
  'PACKAGE_ARCHIVE',
  'PACKAGE_DAMAGED',
]);

/** Carries out what the scheduler decides: keeps the rows of running jobs, and commits every step before it is told. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #scheduler;
  readonly #jobs = new Map<string, LoadedJob>();
  readonly #places = new Map<string, Place>();
  readonly #preparing = new Map<string, AbortController>();
  readonly #prepared = new Map<string, Prepared>();
  readonly #loading = new Set<Promise<void>>();
  readonly #ended: Record<string, number> = { SUCCESSFUL: 0, FAILED: 0, CANCELED: 0 };
  #stopped = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#scheduler = createSchedulerState(options.tasksPerHost);
  }

  /** Decides, commits, and then tells. */
  schedule(event: SchedulerEvent): void {
    this.#decide((decision) => this.#schedule(decision, event));
  }

  knows(jobId: string): boolean {
    return this.#scheduler.clusterOf.has(jobId);
  }

  /** Resolves when the rows asked for so far are read. */
  async loaded(): Promise<void> {
    while (this.#loading.size > 0) await Promise.all(this.#loading);
  }

  /** Attempts that were issued and are not terminal. */
  *issued(): Generator<{ readonly hostId: string; readonly attempt: Issued }> {
    for (const { job, node } of this.#places.values()) {
      const attempt = job.attempts[node]!;
      if (attempt.state === 'RUNNING') yield { hostId: attempt.hostId, attempt: issuedOf(job, node) };
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
    return {
      queuedJobs: clusterOf.size - jobs.size,
      runningJobs: jobs.size,
      runningTasks,
      endedAttempts: { ...this.#ended },
    };
  }

  stop(): void {
    this.#stopped = true;
    for (const preparing of this.#preparing.values()) preparing.abort();
  }

  /** The agent journaled the attempt, or runs it. */
  progressed(attemptId: string, dispatch: 'ACCEPTED' | 'STARTED'): void {
    const place = this.#places.get(attemptId);
    if (!place) return;
    const { job, node } = place;
    const attempt = job.attempts[node]!;
    const next = stepAttempt(statusOf(attempt), { kind: dispatch === 'ACCEPTED' ? 'accepted' : 'started' });
    if (!next) return;
    job.attempts[node] = {
      ...attempt,
      dispatch: next.dispatch ?? attempt.dispatch,
      startedAt: dispatch === 'STARTED' ? this.#options.clock.now() : attempt.startedAt,
    };
    if (job.tasks[node]!.phase !== 'configure') this.#prepared.delete(attemptId);
    this.#decide((decision) => decision.task(job, node));
  }

  /** The attempt ended; `told` runs when that is committed, also when it was known before. */
  ended(attemptId: string, result: AttemptResult, told?: () => void): void {
    const place = this.#places.get(attemptId);
    const needsEnvelope = place?.job.tasks[place.node]!.phase === 'configure' && result.reason === undefined;
    if (place && needsEnvelope && !this.#prepared.has(attemptId)) {
      // Issued before a restart of the server: what it was told to write is built again.
      void this.#build(place, attemptId, new AbortController().signal)
        .catch((error: unknown) =>
          this.#options.log.error({ err: error, attemptId }, 'An envelope could not be built again'),
        )
        .then(() => this.#end(attemptId, result, told));
      return;
    }
    this.#end(attemptId, result, told);
  }

  /** The envelope of an issued attempt, built again after a restart; undefined when it would be another. */
  async envelope(attemptId: string): Promise<Prepared | undefined> {
    const place = this.#places.get(attemptId);
    if (!place) return undefined;
    const prepared =
      this.#prepared.get(attemptId) ?? (await this.#build(place, attemptId, new AbortController().signal));
    return prepared.hash === place.job.attempts[place.node]!.envelopeHash ? prepared : undefined;
  }

  #end(attemptId: string, result: AttemptResult, told: (() => void) | undefined): void {
    this.#decide((decision) => {
      if (told) decision.onCommit(told);
      const place = this.#places.get(attemptId);
      if (place) this.#take(decision, place, result);
    });
  }

  #take(decision: Decision, { job, node }: Place, result: AttemptResult): void {
    const attempt = job.attempts[node]!;
    const task = job.tasks[node]!;
    const { reason } = result;
    const next = stepAttempt(
      statusOf(attempt),
      reason === undefined ? { kind: 'result', ok: true } : { kind: 'result', ok: false, reason },
    );
    if (!next || !isTerminal(next.state)) return;
    const now = this.#options.clock.now();
    job.attempts[node] = {
      ...attempt,
      state: next.state,
      dispatch: next.dispatch ?? null,
      reason: next.reason ?? null,
      message: result.message || null,
      exitCode: result.exitCode,
      signal: result.signal || null,
      outputs: result.outputs,
      logSize: result.logSize,
      startedAt: attempt.startedAt ?? (next.dispatch === 'STARTED' ? now : null),
      finishedAt: now,
      durationMs: result.durationMs,
    };
    this.#followAttempt(decision, job, node);
    if (next.state === 'SUCCESSFUL') {
      decision.add(componentChange({ job: job.row, task, result, envelope: this.#prepared.get(attempt.id)?.bytes }));
      if (changesWatch.has(task.phase)) {
        const removed = task.phase === 'remove' ? task.hostComponentId : undefined;
        decision.onCommit(() => this.#options.onComponentsChanged(task.hostId, removed));
      }
    }
    this.#drop(attempt.id);
    decision.onCommit(() => this.#options.onSettled(task.hostId, attempt.id));
    const { state } = next;
    this.#schedule(decision, {
      kind: 'ended',
      jobId: job.row.id,
      task: node,
      attempt: attempt.number,
      state,
      reason: next.reason,
    });
  }

  /** The task's row says what its latest attempt says. */
  #followAttempt(decision: Decision, job: LoadedJob, node: number): void {
    const attempt = job.attempts[node]!;
    const task = job.tasks[node]!;
    task.state = attempt.state;
    task.reason = attempt.reason;
    task.attempts = attempt.number;
    task.startedAt ??= attempt.issuedAt;
    task.finishedAt = attempt.finishedAt;
    if (isTerminal(attempt.state)) this.#ended[attempt.state]! += 1;
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
    const { jobId } = effect;
    if (effect.kind === 'load') {
      this.#load(jobId);
      return;
    }
    const job = this.#jobs.get(jobId);
    if (!job) return;
    switch (effect.kind) {
      case 'prepare':
        this.#prepare(job, effect.task, effect.attempt);
        return;
      case 'abandon': {
        const attemptId = job.attempts[effect.task]!.id;
        this.#preparing.get(attemptId)?.abort();
        this.#drop(attemptId);
        return;
      }
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
        const { state, reason } = effect;
        job.attempts[effect.task] = { ...attempt, state, reason, finishedAt: this.#options.clock.now() };
        this.#places.delete(attempt.id);
        this.#followAttempt(decision, job, effect.task);
        return;
      }
      case 'renew': {
        const attempt = pendingAttempt(job.tasks[effect.task]!, effect.attempt);
        job.attempts[effect.task] = attempt;
        this.#places.set(attempt.id, { job, node: effect.task });
        this.#followAttempt(decision, job, effect.task);
        return;
      }
      case 'job':
        this.#jobChanged(decision, job, effect);
        return;
      case 'release':
        this.#release(job);
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
    decision.job(job);
    if (effect.state !== 'SUCCESSFUL') return;
    for (const { id, name } of row.snapshot.leaving ?? []) {
      if (row.snapshot.services.some((service) => service.id === id)) continue;
      const payload = { kind: 'service', serviceId: id, name, change: 'removed' } as const;
      decision.add({ events: [{ topic: 'service', clusterId: row.clusterId, payload }] });
    }
  }

  #release(job: LoadedJob): void {
    this.#jobs.delete(job.row.id);
    for (const { id } of job.attempts) this.#drop(id);
    this.#options.envelopes.release(job.row.id);
    this.#options.log.info({ jobId: job.row.id, state: job.row.state }, 'Job finished');
  }

  #drop(attemptId: string): void {
    this.#places.delete(attemptId);
    this.#prepared.delete(attemptId);
    this.#preparing.delete(attemptId);
  }

  #load(jobId: string): void {
    const { log, sql } = this.#options;
    const loading = loadJob(sql, jobId).then(
      (job) => {
        if (this.#stopped) return;
        if (!job) this.schedule({ kind: 'gone', jobId });
        else if (!this.#jobs.has(jobId)) this.#start(job);
      },
      (error: unknown) => {
        log.error({ err: error, jobId }, 'The rows of a job could not be read; it will be tried again');
        if (!this.#stopped) setTimeout(() => !this.#stopped && this.#load(jobId), 1000).unref();
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
  }

  #prepare(job: LoadedJob, node: number, number: number): void {
    const { id } = job.attempts[node]!;
    const jobId = job.row.id;
    const controller = new AbortController();
    this.#preparing.set(id, controller);
    const ready = this.#prepared.has(id) ? Promise.resolve() : this.#build({ job, node }, id, controller.signal);
    ready.then(
      () => {
        if (this.#preparing.delete(id)) this.schedule({ kind: 'prepared', jobId, task: node, attempt: number });
      },
      (error: unknown) => {
        if (!this.#preparing.delete(id)) return;
        this.#options.log.warn({ err: error, jobId, attemptId: id }, 'A task could not be prepared');
        this.#end(id, unprepared(error), undefined);
      },
    );
  }

  async #build({ job, node }: Place, attemptId: string, signal: AbortSignal): Promise<Prepared> {
    const task = job.tasks[node]!;
    const envelope = await this.#options.envelopes.envelopeOf(job.row, task, job.attempts[node]!.number, signal);
    const bytes = encodeEnvelope(envelope);
    const prepared = { bytes, hash: createHash('sha256').update(bytes).digest('hex') };
    if (this.#places.has(attemptId)) this.#prepared.set(attemptId, prepared);
    return prepared;
  }

  #issue(decision: Decision, job: LoadedJob, node: number): void {
    const attempt = job.attempts[node]!;
    const { hostId, id } = attempt;
    const session = this.#options.sessionOf(hostId);
    const hash = this.#prepared.get(id)?.hash;
    if (!session || hash === undefined) {
      // Cannot be: the scheduler issues only to hosts that are up, and only what was prepared.
      this.#options.log.error({ hostId, attemptId: id }, 'An attempt was issued without a session or an envelope');
      this.#take(
        decision,
        { job, node },
        unprepared(new Error('The agent went away while the task was being issued.')),
      );
      return;
    }
    const status = stepAttempt(statusOf(attempt), { kind: 'issued' });
    if (!status) return;
    job.attempts[node] = {
      ...attempt,
      state: status.state,
      dispatch: status.dispatch ?? null,
      envelopeHash: hash,
      epoch: this.#options.epoch,
      sessionNo: session.sessionNo,
      journalId: session.journalId,
      issuedAt: this.#options.clock.now(),
    };
    this.#followAttempt(decision, job, node);
    decision.onCommit(() => {
      if (this.#places.has(id)) this.#options.onIssued(hostId, issuedOf(job, node));
    });
  }
}

function issuedOf(job: LoadedJob, node: number): Issued {
  const { id, taskId, envelopeHash, dispatch, journalId } = job.attempts[node]!;
  return {
    id,
    taskId,
    hash: envelopeHash ?? '',
    dispatch: dispatch ?? 'SENT',
    journalId: journalId ?? '',
    ending: job.row.cancelRequested ? 'USER_CANCEL' : undefined,
  };
}

function statusOf({ state, dispatch, reason }: LoadedJob['attempts'][number]) {
  return { state, dispatch: dispatch ?? undefined, reason: reason ?? undefined };
}

function unprepared(error: unknown): AttemptResult {
  const integrity = error instanceof StackyardError && damaged.has(error.code);
  return {
    reason: integrity ? 'ARTIFACT_INTEGRITY' : 'PACKAGE_UNAVAILABLE',
    message: error instanceof Error ? error.message : String(error),
    exitCode: 0,
    signal: '',
    startedAtMs: 0,
    durationMs: 0,
    logSize: 0,
    outputs: {},
    applied: {},
  };
}
