import type { Job, Task } from '../api/types.ts';

export type State = Task['state'];

/** A task as it is followed. */
export interface TaskPicture {
  readonly id: string;
  readonly index: number;
  readonly host: string;
  readonly service: string;
  readonly component: string;
  readonly phase: string;
  readonly state: State;
  readonly attempt: number;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
}

/** What is fetched for a package on its way to the server. */
export interface PackageEvent {
  readonly name: string;
  readonly version: string;
  readonly phase: string;
  readonly bytes?: number;
  readonly total?: number;
}

/** An event of the topic "task", as the server sends it. */
export interface TaskEvent {
  readonly jobId: string;
  readonly taskId: string;
  readonly attempt: number;
  readonly state: State;
  readonly reason?: string;
  readonly message?: string;
  readonly at: string;
}

const rank: Readonly<Record<State, number>> = { PENDING: 0, RUNNING: 1, SUCCESSFUL: 2, FAILED: 2, CANCELED: 2 };

export const isTerminal = (state: State): boolean => rank[state] === 2;

export function taskPicture(task: Task): TaskPicture {
  const { id, index, host, service, component, phase, state, attempts } = task;
  return {
    id,
    index,
    host,
    service,
    component,
    phase,
    state,
    attempt: attempts,
    reason: task.reason ?? undefined,
    message: undefined,
    startedAt: task.startedAt ?? undefined,
    finishedAt: task.finishedAt ?? undefined,
  };
}

/**
 * A task after an event; undefined when the event says nothing new: after a resume, and right after the picture was
 * read anew, older events come once more.
 */
export function afterEvent(task: TaskPicture, event: TaskEvent): TaskPicture | undefined {
  if (event.attempt < task.attempt) return undefined;
  const again = event.attempt > task.attempt;
  if (!again && rank[event.state] <= rank[task.state]) return undefined;
  const started = event.state === 'RUNNING' ? event.at : again ? undefined : task.startedAt;
  return {
    ...task,
    state: event.state,
    attempt: event.attempt,
    reason: event.reason,
    message: event.message,
    startedAt: started,
    finishedAt: isTerminal(event.state) ? event.at : undefined,
  };
}

export type Counts = Readonly<Record<State, number>>;

export function countsOf(tasks: Iterable<TaskPicture>): Counts {
  const counts = { PENDING: 0, RUNNING: 0, SUCCESSFUL: 0, FAILED: 0, CANCELED: 0 };
  for (const { state } of tasks) counts[state]++;
  return counts;
}

/** Milliseconds from the issue of a task to its end. */
export function taskMs({ startedAt, finishedAt }: TaskPicture): number | undefined {
  return startedAt && finishedAt ? Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt)) : undefined;
}

export function isJobTerminal({ state }: Pick<Job, 'state'>): boolean {
  return isTerminal(state);
}
