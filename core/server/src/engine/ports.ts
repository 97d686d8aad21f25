import type { Observed, Reason, State } from '@stackyard/domain';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AgentUpdate, Envelope, WatchedComponent } from '@stackyard/proto';
import type { JobRow, TaskRow } from '../database/entities.ts';
import type { PreparedEnvelope } from './core/events.ts';
import type { AttemptWrite } from './writer/changes.ts';

/** Builds what an agent needs to know; implemented by commands/, used by the engine. */
export interface EnvelopeSource {
  /**
   * The envelope of a task, rendered from its job's snapshot. May take long (a package is fetched into the repository
   * first) and must not hold up other tasks.
   *
   * @throws a StackyardError whose message becomes the attempt's (reason PACKAGE_UNAVAILABLE or ARTIFACT_INTEGRITY).
   */
  envelopeOf(job: JobRow, task: TaskRow, attempt: number, signal: AbortSignal): Promise<Envelope>;
  /** Reads what the envelopes of a job are made of, so that `envelopeNow` has it. */
  foresee(job: JobRow): Promise<void>;
  /** The same envelope where nothing has to be waited for; undefined where something has. @throws as `envelopeOf` */
  envelopeNow(job: JobRow, task: TaskRow, attempt: number): Envelope | undefined;
  /** Forgets what was kept for a finished job. */
  release(jobId: string): void;
  /** The components of a host and how to watch them. */
  watchedOn(hostId: string): Promise<WatchedComponent[]>;
}

/** An envelope as it is hashed, journaled and sent. */
export interface Prepared extends PreparedEnvelope {
  readonly bytes: Buffer;
}

/** A first task of a job that is stored as issued: the row of its attempt, and what it is sent by. */
export interface Issuable {
  readonly attempt: AttemptWrite;
  readonly envelope: Prepared;
}

/** A job that was just stored. */
export type StoredJob =
  /** The first of its cluster's queue: its rows, as they would be read, and those of its attempts that are issued. */
  | { readonly row: JobRow; readonly tasks: readonly TaskRow[]; readonly issued: readonly Issuable[] }
  /** Another of its cluster, the nearest in the queue, waits or runs before it: its own rows are read when it is its turn. */
  | { readonly id: string; readonly position: number; readonly ahead: string };

/** A job that has not ended, or of which that is not durable yet. */
export interface KnownJob {
  readonly clusterId: string;
  /** Its row as it ended, once that is durable; undefined when it turns out not to be there any more. */
  ended(): Promise<JobRow | undefined>;
}

/** What the rest of the server asks of the engine. */
export interface Engine {
  start(): Promise<void>;
  stop(): Promise<void>;
  /**
   * A job of this cluster was committed: look at its queue. With `stored` nothing has to be read for it; to be called in
   * the same turn of the event loop as the commit is answered, for what is handed over must not have moved on.
   */
  wake(clusterId: string, stored?: StoredJob): void;
  /**
   * Of a job that is about to be stored, the first tasks as they are issued when nothing of its cluster is before it then:
   * what is stored so needs no commit of its own before it is sent. None that could not be sent at once.
   */
  issuable(job: JobRow, tasks: readonly TaskRow[]): Promise<readonly Issuable[]>;
  /** Such a job was not stored after all. */
  forgo(jobId: string): void;
  /** A job of the queues; undefined for one that has ended, or that is not known here. */
  known(jobId: string): KnownJob | undefined;
  /** PENDING tasks become CANCELED, running ones are ended by their agents. No-op on a terminal job. */
  cancel(jobId: string): Promise<void>;
  /** A job that waits after its first batch goes on. @throws JobNotPausedError */
  resume(jobId: string): Promise<void>;
  /** New attempts for FAILED and CANCELED tasks, at the tail of the cluster's queue; the caller has checked the basis. */
  retry(jobId: string): Promise<void>;
  /** The components of a host changed: tell its agent what to watch. */
  refreshWatch(hostId: string): void;
  /** A host joined, or joined again: what its agent has open by an earlier certificate ends. */
  rejoined(hostId: string): void;
  /** The certificates of a host were revoked: its agent is cut off. */
  revoked(hostId: string): void;
  /** Cuts off the agent of a host that was removed. */
  disconnect(hostId: string): void;
  /** Asks the agent of a host to try another version of itself; nothing happens while it is out of reach. */
  updateAgent(hostId: string, update: AgentUpdate): void;
  /** Whether the agent's lease is live. */
  reachable(hostId: string): boolean;
}

/** Output of attempts on the server's disk, one append-only file each. */
export interface LogStore {
  /** Bytes stored so far, or 0. */
  size(attemptId: string): number;
  /**
   * Appends when `offset` is the end of the file, trims a repeated start, ignores a gap. Returns the new end when it is
   * written: a crash of the process loses nothing of it, one of the machine may. A log that has ended is synced.
   */
  append(attemptId: string, offset: number, data: Uint8Array, last: boolean): Promise<number>;
  /** Bytes [from, to); `to` defaults to the present end. */
  read(attemptId: string, from: number, to?: number): AsyncIterable<Uint8Array>;
  /** Whether the log has ended. */
  complete(attemptId: string): boolean;
  /** Calls back on growth and on the end; returns its undo. */
  watch(attemptId: string, onChange: () => void): () => void;
}

/** Topics of the outbox. */
export type EventTopic = 'cluster' | 'service' | 'component' | 'host' | 'job' | 'task' | 'package' | 'stack';

/** What an event says; `id` is its place in the outbox. */
export type EventPayload =
  | {
      readonly kind: 'job';
      readonly jobId: string;
      readonly state: State;
      readonly counts: Readonly<Record<State, number>>;
      readonly title: string;
      /** It waits for a `resume`. */
      readonly paused?: true;
    }
  | {
      readonly kind: 'task';
      readonly jobId: string;
      readonly taskId: string;
      readonly attempt: number;
      readonly state: State;
      readonly reason?: Reason;
      readonly message?: string;
      readonly service: string;
      readonly component: string;
      readonly phase: string;
      readonly hostId: string;
      readonly dispatch?: string;
    }
  | {
      readonly kind: 'component';
      readonly hostComponentId: string;
      readonly service: string;
      readonly component: string;
      readonly hostId: string;
      readonly observed: Observed;
      readonly message?: string;
      readonly role?: string;
      readonly restarts: number;
    }
  | {
      readonly kind: 'host';
      readonly hostId: string;
      readonly name: string;
      readonly change: 'joined' | 'connected' | 'disconnected' | 'revoked' | 'removed';
    }
  /** An attempt that is not on record runs there, or ended: as after a restore of an older database. */
  | {
      readonly kind: 'orphan';
      readonly hostId: string;
      readonly name: string;
      readonly attempt: string;
      readonly ended?: { readonly exitCode: number; readonly reason?: Reason };
    }
  | {
      readonly kind: 'cluster';
      readonly change: 'created' | 'changed' | 'deleted';
      readonly name: string;
      readonly revision: number;
    }
  | {
      readonly kind: 'service';
      readonly serviceId: string;
      readonly name: string;
      readonly change: 'added' | 'configured' | 'upgraded' | 'removed';
    }
  | {
      readonly kind: 'package';
      readonly name: string;
      readonly version: string;
      readonly phase: string;
      readonly bytes?: number;
      readonly total?: number;
    }
  | {
      readonly kind: 'stack';
      readonly name: string;
      readonly version: string;
      readonly change: 'installed' | 'removed';
    }
  /** Whom and what the server trusts: in words, such as "policy any". */
  | { readonly kind: 'trust'; readonly change: string; readonly by: string };

/** What a change of rows is given: an entity manager of its own, and the outbox of the same commit. */
export interface Transaction {
  readonly em: EntityManager;
  /** Says what changed; written with the commit, in commit order. */
  event(topic: EventTopic, clusterId: string | undefined, payload: EventPayload): void;
}

/** Runs changes of rows that say so in the outbox. Short, and without waiting for the network or a file inside. */
export interface Transactions {
  /** Flushes and commits; on an error rolls back and throws it. */
  run<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

/** What one statement does as a transaction by itself: common table expressions, with `$4` and on as parameters. */
export interface Statement {
  /** The database prepares each form once, under its name. */
  readonly name: string;
  /** One of them is `go`, which joins `fence` and has one row, or none when nothing may happen; all others join it. */
  readonly text: string;
  readonly values: readonly unknown[];
  /** What it answers when it happened: one value of these expressions, of type `json`; `true` where there is none. */
  readonly answer?: string | undefined;
}

/** Runs what is one statement: a transaction in one round trip instead of five. */
export interface Statements {
  /** Carries it out with its events. @returns its answer, or undefined when nothing happened. */
  execute<Answer = true>(
    statement: Statement,
    events: readonly {
      readonly topic: EventTopic;
      readonly clusterId?: string | undefined;
      readonly payload: EventPayload;
    }[],
  ): Promise<Answer | undefined>;
}

/** Appends to the outbox through the one writer, so that ids grow in commit order; subscribers see only what is committed. */
export interface Events extends Transactions {
  append(topic: EventTopic, clusterId: string | undefined, payload: EventPayload): Promise<void>;
  /** Calls back after each commit with the id of the newest event; returns its undo. */
  subscribe(onCommit: (newestId: number) => void): () => void;
}
