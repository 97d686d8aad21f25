import type { TaskRow } from '../../database/entities.ts';
import type {
  AttemptWrite,
  Change,
  ComponentPatch,
  HostPatch,
  JobWrite,
  NewEvent,
  TaskWrite,
} from '../writer/changes.ts';
import type { LoadedJob } from './job.ts';

type Late = NonNullable<Change['late']>[number];
type Removed = NonNullable<Change['removed']>[number];

/**
 * What one step of the engine decides: gathered, then committed together. Most steps decide little or nothing: what
 * gathers is made when there is something for it.
 */
export class Decision {
  #attempts: Map<string, AttemptWrite> | undefined;
  #tasks: Map<string, TaskWrite> | undefined;
  #jobs: Map<string, JobWrite> | undefined;
  #components: ComponentPatch[] | undefined;
  #removed: Removed[] | undefined;
  #hosts: HostPatch[] | undefined;
  #late: Late[] | undefined;
  #events: NewEvent[] | undefined;
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
    (this.#attempts ??= new Map()).set(attempt.id, attempt);
    const { id, state, reason, attempts, startedAt, finishedAt } = task;
    (this.#tasks ??= new Map()).set(id, { id, state, reason, attempts, startedAt, finishedAt });
    (this.#events ??= []).push(taskEvent(task, attempt));
  }

  job({ row }: LoadedJob, { lazy = false } = {}): void {
    this.#lazy &&= lazy;
    const { id, state, reason, cancelRequested, pause, position, counts, startedAt, finishedAt } = row;
    const next = { id, state, reason, cancelRequested, pause, position, counts, startedAt, finishedAt };
    (this.#jobs ??= new Map()).set(id, next);
    (this.#events ??= []).push(jobEvent(row));
  }

  add(
    { components, removed, hosts, late, events }: Omit<Change, 'attempts' | 'tasks' | 'jobs'>,
    { lazy = false } = {},
  ): void {
    this.#lazy &&= lazy;
    this.#components = joined(this.#components, components);
    this.#removed = joined(this.#removed, removed);
    this.#hosts = joined(this.#hosts, hosts);
    this.#late = joined(this.#late, late);
    this.#events = joined(this.#events, events);
  }

  get empty(): boolean {
    const rows = this.#attempts ?? this.#tasks ?? this.#jobs;
    return !(rows ?? this.#components ?? this.#removed ?? this.#hosts ?? this.#late ?? this.#events);
  }

  get lazy(): boolean {
    return this.#lazy;
  }

  change(): Change {
    return {
      attempts: listOf(this.#attempts),
      tasks: listOf(this.#tasks),
      jobs: listOf(this.#jobs),
      components: this.#components ?? [],
      removed: this.#removed ?? [],
      hosts: this.#hosts ?? [],
      late: this.#late ?? [],
      events: this.#events ?? [],
    };
  }
}

function joined<T>(before: T[] | undefined, more: readonly T[] | undefined): T[] | undefined {
  if (!more || more.length === 0) return before;
  const all = before ?? [];
  all.push(...more);
  return all;
}

function listOf<T>(rows: ReadonlyMap<string, T> | undefined): readonly T[] {
  return rows ? [...rows.values()] : [];
}

function taskEvent(task: TaskRow, { number, state, reason, message, dispatch }: AttemptWrite): NewEvent {
  const { id: taskId, jobId, clusterId, service, component, phase, hostId } = task;
  return {
    topic: 'task',
    clusterId,
    key: `task:${taskId}/${number}`,
    payload: {
      kind: 'task',
      jobId,
      taskId,
      attempt: number,
      state,
      service,
      component,
      phase,
      hostId,
      ...(reason ? { reason } : {}),
      ...(message ? { message } : {}),
      ...(dispatch ? { dispatch } : {}),
    },
  };
}

function jobEvent({ id: jobId, clusterId, state, counts, title, pause }: LoadedJob['row']): NewEvent {
  const paused = pause === 'PAUSED' ? { paused: true as const } : {};
  return {
    topic: 'job',
    clusterId,
    key: `job:${jobId}`,
    payload: { kind: 'job', jobId, state, counts, title, ...paused },
  };
}
