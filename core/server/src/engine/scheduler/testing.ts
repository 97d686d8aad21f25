import { deepEqual, equal, ok } from 'node:assert/strict';
import { isTerminal, jobState, noTasks, type Reason, type State } from '@stackyard/domain';
import type { TaskGraph } from '@stackyard/planner';
import { createSchedulerState, type SchedulerEffect, type SchedulerEvent, type SchedulerState } from './state.ts';
import { isUncertain, stepScheduler } from './step.ts';

export interface ModelTask {
  readonly hostId: string;
  readonly idempotent: boolean;
  /** Every attempt by number, from 1: what the database would hold. */
  readonly attempts: { state: State; reason: Reason | undefined }[];
}
export interface ModelJob {
  readonly id: string;
  readonly clusterId: string;
  readonly position: number;
  readonly graph: TaskGraph;
  readonly tasks: ModelTask[];
  cancelRequested: boolean;
  state: State;
}

const TASKS_PER_HOST = 2;
export const hosts = ['h0', 'h1', 'h2'];

/** Rows, agents and a scheduler that may forget everything; checks what must always hold as it goes. */
export class Model {
  readonly jobs = new Map<string, ModelJob>();
  readonly up = new Set<string>();
  readonly toPrepare: { jobId: string; task: number; attempt: number }[] = [];
  readonly running: { jobId: string; task: number; attempt: number; stopped: boolean }[] = [];
  readonly toLoad: string[] = [];
  #scheduler: SchedulerState = createSchedulerState(TASKS_PER_HOST);

  do(event: SchedulerEvent): void {
    for (const effect of stepScheduler(this.#scheduler, event)) this.#carryOut(effect);
    for (const hostId of hosts) {
      const onHost = this.running.filter(({ jobId, task }) => this.#task(jobId, task).hostId === hostId);
      ok(onHost.length <= TASKS_PER_HOST, `${hostId} is overloaded`);
    }
  }

  add(job: ModelJob): void {
    this.jobs.set(job.id, job);
    this.do({ kind: 'queued', jobId: job.id, clusterId: job.clusterId, position: job.position });
  }

  load(jobId: string): void {
    const job = this.jobs.get(jobId)!;
    if (isTerminal(job.state)) return this.do({ kind: 'gone', jobId });
    this.do({
      kind: 'loaded',
      held: [],
      job: {
        id: job.id,
        clusterId: job.clusterId,
        cancelRequested: job.cancelRequested,
        started: job.state === 'RUNNING',
        graph: job.graph,
        tasks: job.tasks.map(({ hostId, idempotent, attempts }) => ({
          hostId,
          idempotent,
          state: attempts.at(-1)!.state,
          reason: attempts.at(-1)!.reason,
          attempt: attempts.length,
          lostBefore: isUncertain(attempts.at(-2)?.reason),
        })),
      },
    });
  }

  end(index: number, state: 'SUCCESSFUL' | 'FAILED' | 'CANCELED', reason?: Reason): void {
    const [ended] = this.running.splice(index, 1);
    if (!ended) return;
    this.#settle(ended.jobId, ended.task, ended.attempt, state, reason);
    this.do({ kind: 'ended', jobId: ended.jobId, task: ended.task, attempt: ended.attempt, state, reason });
  }

  /** kill -9: only rows and agents are left. */
  crash(): void {
    this.#scheduler = createSchedulerState(TASKS_PER_HOST);
    this.toPrepare.length = 0;
    this.toLoad.length = 0;
    const open = [...this.jobs.values()].filter(({ state }) => !isTerminal(state));
    for (const { id, clusterId, position } of open.toSorted((a, b) => a.position - b.position)) {
      this.do({ kind: 'queued', jobId: id, clusterId, position });
    }
    for (const { id, cancelRequested } of open) if (cancelRequested) this.do({ kind: 'cancel', jobId: id });
    for (const hostId of this.up) this.do({ kind: 'hostUp', hostId });
  }

  #carryOut(effect: SchedulerEffect): void {
    const job = this.jobs.get(effect.jobId)!;
    switch (effect.kind) {
      case 'load':
        this.toLoad.push(effect.jobId);
        return;
      case 'prepare':
        this.toPrepare.push(effect);
        return;
      case 'abandon':
        this.toPrepare.splice(
          this.toPrepare.findIndex(({ jobId, task }) => jobId === effect.jobId && task === effect.task),
          1,
        );
        return;
      case 'issue':
        this.#mayStart(job, effect.task, effect.attempt);
        this.running.push({ ...effect, stopped: false });
        job.tasks[effect.task]!.attempts[effect.attempt - 1]!.state = 'RUNNING';
        return;
      case 'stop':
        for (const attempt of this.running) {
          if (attempt.jobId === effect.jobId && attempt.task === effect.task) attempt.stopped = true;
        }
        return;
      case 'withdraw':
        equal(job.tasks[effect.task]!.attempts.at(-1)!.state, 'PENDING');
        if (effect.reason === 'DEPENDENCY_FAILED')
          equal(
            this.#ancestorsOf(job, effect.task).some((at) => unsuccessful(job, at)),
            true,
          );
        this.#settle(effect.jobId, effect.task, effect.attempt, effect.state, effect.reason);
        return;
      case 'renew':
        equal(job.tasks[effect.task]!.idempotent, true);
        equal(effect.attempt, job.tasks[effect.task]!.attempts.length + 1);
        job.tasks[effect.task]!.attempts.push({ state: 'PENDING', reason: undefined });
        return;
      case 'job': {
        equal(isTerminal(job.state), false);
        const counts = {
          ...noTasks,
          ...Object.fromEntries(
            Object.entries(Object.groupBy(job.tasks, ({ attempts }) => attempts.at(-1)!.state)).map(
              ([state, tasks]) => [state, tasks.length],
            ),
          ),
        };
        deepEqual(effect.counts, counts);
        if (isTerminal(effect.state)) equal(effect.state, jobState(counts));
        job.state = effect.state;
        return;
      }
      case 'release':
        return;
    }
  }

  #mayStart(job: ModelJob, task: number, attempt: number): void {
    const older = [...this.jobs.values()].filter(
      ({ clusterId, position, state }) => clusterId === job.clusterId && position < job.position && !isTerminal(state),
    );
    deepEqual(
      older.map(({ id }) => id),
      [],
    );
    for (const before of this.#ancestorsOf(job, task)) equal(job.tasks[before]!.attempts.at(-1)!.state, 'SUCCESSFUL');
    equal(
      this.running.some((other) => other.jobId === job.id && other.task === task),
      false,
    );
    equal(job.tasks[task]!.attempts[attempt - 1]!.state, 'PENDING');
    equal(this.up.has(job.tasks[task]!.hostId), true);
  }

  #settle(jobId: string, task: number, attempt: number, state: State, reason: Reason | undefined): void {
    const row = this.#task(jobId, task).attempts[attempt - 1]!;
    equal(isTerminal(row.state), false);
    Object.assign(row, { state, reason });
  }

  #task(jobId: string, task: number): ModelTask {
    return this.jobs.get(jobId)!.tasks[task]!;
  }

  #ancestorsOf({ graph }: ModelJob, task: number): number[] {
    const found = new Set<number>();
    const visit = (node: number): void => {
      for (let from = 0; from < graph.nodes; from++) {
        const targets = graph.targets.subarray(graph.offsets[from], graph.offsets[from + 1]);
        if (!targets.includes(node) || found.has(from)) continue;
        found.add(from);
        visit(from);
      }
    };
    visit(task);
    return [...found].filter((node) => node < graph.tasks);
  }
}

const unsuccessful = (job: ModelJob, task: number): boolean =>
  ['FAILED', 'CANCELED'].includes(job.tasks[task]!.attempts.at(-1)!.state);
