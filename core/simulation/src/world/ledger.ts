import type { AttemptRow, Tables } from './rows.ts';
import type { JobPlan, TaskPlan } from '../scenario/scenario.ts';

/** A task of the workload, as it was asked for. */
export interface Wanted {
  readonly taskId: string;
  readonly jobId: string;
  readonly clusterId: string;
  readonly host: number;
  readonly plan: TaskPlan;
  readonly job: JobPlan;
  /** Ids of the tasks that must be SUCCESSFUL before it. */
  readonly after: readonly string[];
}

/** What really happened, whoever knows of it. */
export type Observation =
  /** A script was started on a host. */
  | { readonly kind: 'scriptStarted'; readonly attemptId: string; readonly host: number; readonly hash: string }
  /** A process of an attempt is there, or no more. */
  | { readonly kind: 'processStarted' | 'processEnded'; readonly attemptId: string; readonly host: number }
  /** Something killed the runner of an attempt: a fault, or the loss of power. */
  | { readonly kind: 'killed'; readonly attemptId: string; readonly by: 'fault' | 'power' }
  /** An agent may start an attempt until then, or does; by its clock, as is the end of its lease. */
  | {
      readonly kind: 'startAllowed' | 'startAsked';
      readonly attemptId: string;
      readonly at: number;
      /** Counted from when the heartbeat was sent that was answered last. */
      readonly leaseEnd: number;
    }
  | { readonly kind: 'rebooted'; readonly host: number }
  /** The journal of a host is gone. */
  | { readonly kind: 'journalLost'; readonly host: number }
  /** The script came to its own end. */
  | { readonly kind: 'scriptEnded'; readonly attemptId: string; readonly exitCode: number }
  /** A result is durable on the disk of a host. */
  | {
      readonly kind: 'exitDurable';
      readonly attemptId: string;
      readonly reason: string | undefined;
      readonly hash: string;
    }
  /** An attempt's row was committed. */
  | {
      readonly kind: 'committed';
      readonly before: AttemptRow | undefined;
      readonly after: AttemptRow;
      /** Of the server that wrote it. */
      readonly epoch: number;
    }
  /** A server said that it has a result. */
  | { readonly kind: 'acknowledged'; readonly attemptId: string; readonly epoch: number }
  /** An agent answered a cancel: what is left of the attempt is being ended, or there is nothing. */
  | { readonly kind: 'cancelAnswered'; readonly attemptId: string; readonly host: number; readonly phase: string }
  /** An agent does from now on what a server of this epoch says. */
  | { readonly kind: 'obeyed'; readonly host: number; readonly epoch: number }
  /** A user's cancel is committed. */
  | { readonly kind: 'canceled'; readonly jobId: string }
  /** A message was heard on a stream; `effects` of hearing it. */
  | {
      readonly kind: 'heard';
      readonly by: string;
      readonly message: string;
      readonly superseded: boolean;
      readonly effects: number;
    }
  /** The server has this many bytes of an attempt's log, and they are (or are not) those that were written. */
  | { readonly kind: 'logStored'; readonly attemptId: string; readonly bytes: number; readonly same: boolean }
  /** An attempt is over, all is settled, and the server should have this much of its log. */
  | {
      readonly kind: 'logEnded';
      readonly attemptId: string;
      readonly kept: number;
      readonly stored: number;
      readonly complete: boolean;
    }
  /** Something that others can read was said. */
  | { readonly kind: 'said'; readonly by: string; readonly text: string }
  | { readonly kind: 'restored' }
  /** All faults are over, and so long has passed that everything must be settled. */
  | { readonly kind: 'converged' };

/** What checkers may look at beside observations. */
export interface Facts {
  readonly now: number;
  readonly tables: Tables;
  readonly wanted: ReadonlyMap<string, Wanted>;
  readonly settings: { readonly leaseMs: number; readonly lostAfterMs: number; readonly killGraceMs: number };
  /** Whether the host's agent has worked, connected, without a break for so long. */
  readonly undisturbedMs: (host: number) => number;
  /** By the clock of the newest server: since it last heard of the host, or else since it started. */
  readonly silentMs: (host: number) => number;
  /** Hosts that are never heard of again. */
  readonly gone: ReadonlySet<number>;
  /** Attempts of which processes live now. */
  readonly living: ReadonlyMap<string, number>;
}

export interface Violation {
  /** Such as I1. */
  readonly invariant: string;
  readonly sentence: string;
  /** What broke it. */
  readonly detail: string;
  readonly at: number;
}
