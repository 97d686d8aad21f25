import type { LoadedJob } from './job.ts';
import type {
  AttemptWrite,
  Change,
  ComponentPatch,
  HostPatch,
  JobWrite,
  NewEvent,
  TaskWrite,
} from '../writer/changes.ts';

/** What one step of the engine decides: gathered, then committed together. */
export class Decision {
  readonly #attempts = new Map<string, AttemptWrite>();
  readonly #tasks = new Map<string, TaskWrite>();
  readonly #jobs = new Map<string, JobWrite>();
  readonly #components: ComponentPatch[] = [];
  readonly #removed: NonNullable<Change['removed']>[number][] = [];
  readonly #hosts: HostPatch[] = [];
  readonly #late: NonNullable<Change['late']>[number][] = [];
  readonly #events: NewEvent[] = [];
  #lazy = true;

  /**
   * The latest attempt of a task, with the task's own row, which follows it. `lazy`: the next word of the agent most
   * often overtakes it, so that it may wait for that. A short task costs two commits instead of four.
   */
  task(job: LoadedJob, node: number, { lazy = false } = {}): void {
    this.#lazy &&= lazy;
    const attempt = job.attempts[node]!;
    const task = job.tasks[node]!;
    // Each step replaces it, none changes it.
    this.#attempts.set(attempt.id, attempt);
    const { id, state, reason, attempts, startedAt, finishedAt } = task;
    this.#tasks.set(id, { id, state, reason, attempts, startedAt, finishedAt });
    this.#events.push({
      topic: 'task',
      clusterId: task.clusterId,
      key: `task:${attempt.id}`,
      payload: {
        kind: 'task',
        jobId: job.row.id,
        taskId: id,
        attempt: attempt.number,
        state: attempt.state,
        service: task.service,
        component: task.component,
        phase: task.phase,
        hostId: task.hostId,
        ...(attempt.reason ? { reason: attempt.reason } : {}),
        ...(attempt.message ? { message: attempt.message } : {}),
        ...(attempt.dispatch ? { dispatch: attempt.dispatch } : {}),
      },
    });
  }

  job({ row }: LoadedJob): void {
    this.#lazy = false;
    const { id, state, reason, cancelRequested, pause, position, counts, startedAt, finishedAt } = row;
    this.#jobs.set(id, { id, state, reason, cancelRequested, pause, position, counts, startedAt, finishedAt });
    this.#events.push({
      topic: 'job',
      clusterId: row.clusterId,
      key: `job:${id}`,
      payload: {
        kind: 'job',
        jobId: id,
        state,
        counts,
        title: row.title,
        ...(pause === 'PAUSED' ? { paused: true } : {}),
      },
    });
  }

  add(
    { components = [], removed = [], hosts = [], late = [], events = [] }: Omit<Change, 'attempts' | 'tasks' | 'jobs'>,
    { lazy = false } = {},
  ): void {
    this.#lazy &&= lazy;
    this.#components.push(...components);
    this.#removed.push(...removed);
    this.#hosts.push(...hosts);
    this.#late.push(...late);
    this.#events.push(...events);
  }

  get empty(): boolean {
    const parts = [this.#components, this.#removed, this.#hosts, this.#late, this.#events];
    return this.#attempts.size + this.#tasks.size + this.#jobs.size === 0 && parts.every(({ length }) => length === 0);
  }

  get lazy(): boolean {
    return this.#lazy;
  }

  change(): Change {
    return {
      attempts: [...this.#attempts.values()],
      tasks: [...this.#tasks.values()],
      jobs: [...this.#jobs.values()],
      components: this.#components,
      removed: this.#removed,
      hosts: this.#hosts,
      late: this.#late,
      events: this.#events,
    };
  }
}
