import type { Pause, Reason, State, TaskCounts } from '@stackyard/domain';
import type { Progress, TaskGraph, Turns } from '@stackyard/planner';
import type { Gates } from './gates.ts';

/** What the scheduler must know of a task; its number is its node in the job's graph. */
export interface TaskInput {
  readonly hostId: string;
  readonly idempotent: boolean;
  readonly state: State;
  readonly reason?: Reason | undefined;
  /** Number of its latest attempt. */
  readonly attempt: number;
  /** The attempt before that ended because its outcome was unknown: there is no second automatic one. */
  readonly lostBefore: boolean;
}

export interface JobInput {
  readonly id: string;
  readonly clusterId: string;
  readonly cancelRequested: boolean;
  /** Some attempt was issued before. */
  readonly started: boolean;
  readonly graph: TaskGraph;
  readonly tasks: readonly TaskInput[];
  /** What the operator asked of host components that take turns. */
  readonly turns?: Turns | undefined;
  readonly pause?: Pause | undefined;
}

/**
 * Where a PENDING or RUNNING task is: WAITING for others, READY for a place on its host, PREPARING its envelope,
 * ISSUED to the agent; OVER when terminal.
 */
export const WAITING = 0;
export const READY = 1;
export const PREPARING = 2;
export const ISSUED = 3;
export const OVER = 4;

/** A job of which tasks run, or wait to be canceled. */
export interface JobRun {
  readonly id: string;
  readonly clusterId: string;
  readonly tasks: readonly TaskInput[];
  readonly graph: TaskGraph;
  readonly progress: Progress;
  readonly stage: Uint8Array;
  readonly attempt: Uint32Array;
  readonly lostBefore: Uint8Array;
  readonly counts: Record<State, number>;
  readonly states: State[];
  readonly gates: Gates;
  /** Gates that all before is done for, and that wait for the operator. */
  readonly held: Set<number>;
  pause: Pause | undefined;
  cancelRequested: boolean;
  started: boolean;
  /** Why it will not be SUCCESSFUL: of the first task that was not. */
  reason: Reason | undefined;
  changed: boolean;
}

/** The jobs of one cluster in order of their positions; the first is the one that runs. */
export interface Queue {
  readonly jobs: { readonly id: string; readonly position: number }[];
}

export interface HostPlaces {
  /** Its agent is reconciled and takes dispatches. */
  up: boolean;
  /** Tasks that are prepared or issued. */
  busy: number;
  readonly ready: { readonly jobId: string; readonly task: number }[];
}

export interface SchedulerState {
  readonly tasksPerHost: number;
  readonly jobs: Map<string, JobRun>;
  readonly clusterOf: Map<string, string>;
  readonly queues: Map<string, Queue>;
  readonly hosts: Map<string, HostPlaces>;
  /** Jobs asked to be canceled before their rows were there. */
  readonly cancelOnLoad: Set<string>;
}

export type SchedulerEvent =
  | { readonly kind: 'queued'; readonly jobId: string; readonly clusterId: string; readonly position: number }
  /** `held`: tasks of which the host has the attempt that waits here, as after a restore of the database. */
  | { readonly kind: 'loaded'; readonly job: JobInput; readonly held: readonly number[] }
  /** A host turns out to have the attempt of a task that waits: it counts as issued from here on. */
  | { readonly kind: 'held'; readonly jobId: string; readonly task: number; readonly attempt: number }
  | { readonly kind: 'gone'; readonly jobId: string }
  | { readonly kind: 'hostUp'; readonly hostId: string }
  | { readonly kind: 'hostDown'; readonly hostId: string }
  /** Its agent is given up for now: what waits for it fails. */
  | { readonly kind: 'hostLost'; readonly hostId: string }
  | { readonly kind: 'prepared'; readonly jobId: string; readonly task: number; readonly attempt: number }
  | {
      readonly kind: 'ended';
      readonly jobId: string;
      readonly task: number;
      readonly attempt: number;
      readonly state: 'SUCCESSFUL' | 'FAILED' | 'CANCELED';
      readonly reason?: Reason | undefined;
    }
  | { readonly kind: 'cancel'; readonly jobId: string }
  /** The operator has looked at the first batch, and agrees to the others. */
  | { readonly kind: 'resume'; readonly jobId: string };

export type SchedulerEffect =
  /** Read the rows of this job and give them back by `loaded`, or say that it is `gone`. */
  | { readonly kind: 'load'; readonly jobId: string }
  /** Build the envelope, then `prepared`. */
  | { readonly kind: 'prepare'; readonly jobId: string; readonly task: number; readonly attempt: number }
  /** The envelope is no longer wanted. */
  | { readonly kind: 'abandon'; readonly jobId: string; readonly task: number; readonly attempt: number }
  /** Commit RUNNING/SENT, then send it, unless the host has it. */
  | { readonly kind: 'issue'; readonly jobId: string; readonly task: number; readonly attempt: number }
  /** End it: its result comes from the agent. */
  | { readonly kind: 'stop'; readonly jobId: string; readonly task: number; readonly attempt: number }
  /** A PENDING attempt ends without an agent. */
  | {
      readonly kind: 'withdraw';
      readonly jobId: string;
      readonly task: number;
      readonly attempt: number;
      readonly state: 'CANCELED' | 'FAILED';
      readonly reason: Reason;
    }
  /** The task, whose attempt was lost, gets this new one. */
  | { readonly kind: 'renew'; readonly jobId: string; readonly task: number; readonly attempt: number }
  | {
      readonly kind: 'job';
      readonly jobId: string;
      readonly state: State;
      readonly cancelRequested: boolean;
      readonly reason: Reason | undefined;
      readonly counts: TaskCounts;
      readonly pause: Pause | undefined;
    }
  /** The job is terminal: forget it. */
  | { readonly kind: 'release'; readonly jobId: string };

export function createSchedulerState(tasksPerHost: number): SchedulerState {
  return {
    tasksPerHost,
    jobs: new Map(),
    clusterOf: new Map(),
    queues: new Map(),
    hosts: new Map(),
    cancelOnLoad: new Set(),
  };
}
