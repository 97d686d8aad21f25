import type { JobRow, TaskRow } from '../../database/entities.ts';
import type { AttemptResult } from '../sessions/messages.ts';
import type { Heard, HostFate, KnownSession } from '../sessions/state.ts';
import type { AttemptWrite } from '../writer/changes.ts';
import type { LoadedJob } from './job.ts';

/** When an event happened: `now` in milliseconds of a clock that only goes forward, `at` for people to read. */
export interface Times {
  readonly now: number;
  readonly at: Date;
}

/** What a host's row says: at the start of the server, and again before each Hello. */
export interface KnownHost extends KnownSession {
  readonly name: string;
  readonly clusterId: string | undefined;
}

/** The envelope of an attempt, as far as decisions need it. */
export interface PreparedEnvelope {
  readonly attemptId: string;
  /** SHA-256 of the envelope, hex. */
  readonly hash: string;
  /** By config, of a `configure`: what it is told to write. */
  readonly values?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
}

/** Everything that can happen to the engine. */
export type EngineEvent = Times & Happening;

export type Happening =
  /** A host is known, from its row or because it joined; what is in memory already stays. */
  | ({ readonly kind: 'host' } & KnownHost)
  | HostFate
  /** A job that is not terminal is in the queue of its cluster; known ones stay where they are. */
  | { readonly kind: 'queued'; readonly jobId: string; readonly clusterId: string; readonly position: number }
  /** As `queued`, of a job that was stored just now, as the first of its cluster: its rows need not be read. */
  | {
      readonly kind: 'stored';
      readonly row: JobRow;
      readonly tasks: readonly TaskRow[];
      /** Stored as issued. */
      readonly issued?: readonly { readonly attempt: AttemptWrite; readonly envelope: PreparedEnvelope }[];
    }
  /** Answers `load`. */
  | { readonly kind: 'loaded'; readonly job: LoadedJob }
  /** Answers `load`: there is no such job, or it is terminal. */
  | { readonly kind: 'gone'; readonly jobId: string }
  /** Answers `prepare`: these envelopes are built and kept. What is prepared together is issued by one commit. */
  | { readonly kind: 'prepared'; readonly envelopes: readonly PreparedEnvelope[] }
  /** Answers `prepare`: it could not be built, which is what the attempt then came to. */
  | { readonly kind: 'unprepared'; readonly attemptId: string; readonly result: AttemptResult }
  /** PENDING tasks become CANCELED, running ones are ended by their agents. */
  | { readonly kind: 'cancel'; readonly jobId: string }
  /** A job that waits after its first batch may go on. */
  | { readonly kind: 'resume'; readonly jobId: string }
  /** Every commit up to this number is durable, but those that were `refused`. */
  | { readonly kind: 'committed'; readonly commit: number }
  /** The database does not take this change and never will: what was to follow it does not. */
  | { readonly kind: 'refused'; readonly commit: number }
  /** What agents say, and how their streams end. */
  | Heard
  /** Time passed: at least four times in a lease; a gap of more than half of one is time in which the server itself stood still. */
  | { readonly kind: 'tick' };
