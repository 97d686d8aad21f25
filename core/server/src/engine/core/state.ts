import type { JobRow } from '../../database/entities.ts';
import { createSchedulerState, type SchedulerState } from '../scheduler/state.ts';
import type { AttemptResult } from '../sessions/messages.ts';
import { createSessionsState, type SessionsState, type SessionTerms } from '../sessions/state.ts';
import type { PreparedEnvelope } from './events.ts';
import type { LoadedJob, Place } from './job.ts';

export interface EngineTerms extends SessionTerms {
  /** Between the polite and the forced end of an attempt. */
  readonly killGraceMs: number;
  /** Tasks that run on one host at the same time. */
  readonly tasksPerHost: number;
}

/** An envelope that was built, kept by its attempt. */
export type BuiltEnvelope = Omit<PreparedEnvelope, 'attemptId'>;

/** Why the envelope of an issued attempt is built again, as after a restart. */
export type Awaited =
  | { readonly kind: 'dispatch'; readonly stream: number }
  /** It ended: what it was told to write is to be remembered. */
  | { readonly kind: 'result'; readonly result: AttemptResult; readonly ackOn: number | undefined };

/** What waits for a commit. */
export type FollowUp =
  | { readonly kind: 'acknowledge'; readonly stream: number; readonly attemptId: string }
  | { readonly kind: 'issued'; readonly hostId: string; readonly attemptId: string }
  | { readonly kind: 'stop'; readonly hostId: string; readonly attemptId: string }
  | { readonly kind: 'settled'; readonly hostId: string; readonly attemptId: string }
  | { readonly kind: 'watch'; readonly hostId: string; readonly removed: string | undefined }
  | { readonly kind: 'over'; readonly job: JobRow };

export interface Commits {
  /** Number of the newest. */
  last: number;
  /** Number of the newest that is not lazy. */
  pressed: number;
  /** All up to here are durable. */
  durable: number;
  readonly following: Map<number, FollowUp[]>;
}

/** All that the server knows in memory of jobs and agents; rebuilt from rows and inventories after a restart. */
export interface EngineState {
  readonly terms: EngineTerms;
  readonly sessions: SessionsState;
  readonly scheduler: SchedulerState;
  readonly hostNames: Map<string, { readonly name: string; readonly clusterId: string | undefined }>;
  /** Jobs whose rows are here. */
  readonly jobs: Map<string, LoadedJob>;
  /** By attempt: those of `jobs` that are not terminal. */
  readonly places: Map<string, Place>;
  readonly envelopes: Map<string, BuiltEnvelope>;
  readonly awaited: Map<string, Awaited>;
  /** Jobs that are over here, but not yet in the database, with their clusters. */
  readonly ending: Map<string, string>;
  /** By attempt: the monotonic time its function was first known to run. */
  readonly startedMs: Map<string, number>;
  /** Attempts that ran for longer than their agent was to let them. */
  readonly overdue: Set<string>;
  readonly ended: { SUCCESSFUL: number; FAILED: number; CANCELED: number };
  readonly commits: Commits;
  /** When it was last written down that connected hosts were heard of. */
  seenWrittenMs: number;
}

export function createEngineState(terms: EngineTerms): EngineState {
  return {
    terms,
    sessions: createSessionsState(terms),
    scheduler: createSchedulerState(terms.tasksPerHost),
    hostNames: new Map(),
    jobs: new Map(),
    places: new Map(),
    envelopes: new Map(),
    awaited: new Map(),
    ending: new Map(),
    startedMs: new Map(),
    overdue: new Set(),
    ended: { SUCCESSFUL: 0, FAILED: 0, CANCELED: 0 },
    commits: { last: 0, pressed: 0, durable: 0, following: new Map() },
    seenWrittenMs: -Infinity,
  };
}
