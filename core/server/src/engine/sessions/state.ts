import type { Dispatch, Reason } from '@stackyard/domain';
import type {
  AgentSays,
  AttemptResult,
  HelloMessage,
  Place,
  SeenComponent,
  ServerSays,
  WirePhase,
} from './messages.ts';
import { type Pace, paceOf } from './pace.ts';
import type { Row } from './reconcile.ts';

/** An attempt that was issued to the agent of a host and is not terminal. */
export interface Issued {
  readonly id: string;
  readonly taskId: string;
  readonly hash: string;
  readonly dispatch: Dispatch;
  /** The journal it was sent to. */
  readonly journalId: string;
  /** Its end was asked for, for this reason. */
  readonly ending: Reason | undefined;
  /** It was given up, which is not committed yet: what comes of it now comes too late. */
  readonly givenUp?: boolean;
  /** Its host was started anew after it was sent, and its agent does not have it in its inventory. */
  readonly rebooted?: boolean;
}

/** What an agent has of an attempt that waits here: it was issued before the database was restored from a backup. */
export interface Held {
  readonly hash: string;
  readonly phase: WirePhase;
  readonly result: AttemptResult | undefined;
}

export interface Link {
  readonly stream: number;
  readonly sessionNo: number;
  /** Digests of the last heartbeat that did not agree, and how often in a row. */
  readonly odd: { readonly digests: string; readonly times: number } | undefined;
  /** Refused because an older attempt of the task lives: sent again with the next heartbeat. */
  readonly again: readonly string[];
}

export interface HostSession {
  readonly hostId: string;
  readonly sessionNo: number;
  readonly journalId: string | undefined;
  readonly hostBootId: string | undefined;
  /** Its lease is live, as far as was told. */
  readonly connected: boolean;
  /** Monotonic time of the last message. After a start of the server a lease ahead, so that nobody is given up early. */
  lastSeenMs: number;
  /** How long its silence means nothing: the longer of the last two leases it was given, for it may not have heard the last. */
  readonly leaseMs: number;
  /** The last lease it was given. */
  readonly grantedMs: number;
  readonly link: Link | undefined;
  /** Changed in place: an agent may hold thousands. */
  readonly issued: Map<string, Issued>;
  /** Attempts that run there, are not on record, and have been told of. */
  readonly orphans: Set<string>;
  /** As the last Hello said, and what was said since. */
  readonly held: Map<string, Held>;
  /** The disagreement of digests that a fresh Hello did not settle, until when: what was given up may still run there. */
  readonly accepted: { readonly digests: string; readonly untilMs: number } | undefined;
}

export interface SessionTerms {
  readonly installId: string;
  readonly epoch: number;
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  readonly lostAfterMs: number;
}

export interface SessionsState {
  readonly terms: SessionTerms;
  readonly hosts: Map<string, HostSession>;
  /** For as many agents as were connected when time last passed. */
  pace: Pace;
  /** When time last passed. */
  tickedMs: number | undefined;
}

/** What the database knows of an attempt that is not issued. */
export interface KnownAttempt {
  readonly row: Extract<Row, 'PENDING' | 'ENDED' | 'GIVEN_UP'>;
  readonly jobId: string;
}

/** What a host's row says of its sessions. */
export interface KnownSession {
  readonly hostId: string;
  readonly sessionNo: number;
  readonly journalId: string | undefined;
  readonly hostBootId: string | undefined;
  readonly connected: boolean;
}

/** What people do to a host. */
export type HostFate =
  /** The host left: nothing of it is heard of again. */
  | { readonly kind: 'hostRemoved'; readonly hostId: string }
  /** Its agent got a certificate by joining: what was opened by an earlier one ends. */
  | { readonly kind: 'hostRejoined'; readonly hostId: string }
  /** Its agent may no longer speak for it. */
  | { readonly kind: 'hostRevoked'; readonly hostId: string };

/** What agents say, and how their streams end. */
export type Heard =
  | {
      readonly kind: 'hello';
      readonly hostId: string;
      /** Streams are numbered in the order in which they were opened. */
      readonly stream: number;
      readonly hello: HelloMessage;
      /** What the database says of those of the inventory that are not issued. */
      readonly known: ReadonlyMap<string, KnownAttempt>;
    }
  | {
      readonly kind: 'message';
      readonly hostId: string;
      readonly stream: number;
      readonly message: Exclude<AgentSays, HelloMessage>;
      /** For news of an attempt that is not issued: what the database says of it. */
      readonly known?: KnownAttempt | undefined;
    }
  /** `clean`: the agent said goodbye. */
  | { readonly kind: 'closed'; readonly hostId: string; readonly stream: number; readonly clean: boolean }
  /** What its agent said could not be looked up; its stream was closed, so that it says it again. */
  | { readonly kind: 'unjudged'; readonly hostId: string };

export type SessionEvent =
  /** A host is known, from its row or because it joined; what is in memory already stays. */
  | ({ readonly kind: 'host'; readonly now: number } & KnownSession)
  | HostFate
  | ({ readonly now: number } & Heard)
  | { readonly kind: 'tick'; readonly now: number }
  /** RUNNING/SENT is committed. */
  | { readonly kind: 'issued'; readonly hostId: string; readonly attempt: Issued }
  | { readonly kind: 'settled'; readonly hostId: string; readonly id: string }
  | { readonly kind: 'cancel'; readonly hostId: string; readonly id: string; readonly cause: Reason };

export type CloseCode =
  | 'SUPERSEDED'
  | 'STALE_EPOCH'
  | 'OTHER_INSTALLATION'
  | 'PROTOCOL'
  | 'LEASE_EXPIRED'
  | 'RECONCILE'
  | 'REMOVED';

export type SessionEffect =
  | { readonly kind: 'send'; readonly stream: number; readonly message: ServerSays }
  | { readonly kind: 'dispatch'; readonly stream: number; readonly hostId: string; readonly id: string }
  | { readonly kind: 'watch'; readonly hostId: string }
  | { readonly kind: 'close'; readonly stream: number; readonly code: CloseCode; readonly message: string }
  /** The agent has journaled it, or runs it. */
  | {
      readonly kind: 'progress';
      readonly hostId: string;
      readonly id: string;
      readonly dispatch: 'ACCEPTED' | 'STARTED';
    }
  /** It ended; acknowledge on `stream` once that is committed, if there is one. */
  | {
      readonly kind: 'result';
      readonly hostId: string;
      readonly id: string;
      readonly result: AttemptResult;
      readonly ackOn: number | undefined;
    }
  /** The agent has what waits here. */
  | {
      readonly kind: 'held';
      readonly hostId: string;
      readonly stream: number;
      readonly id: string;
      readonly jobId: string;
    }
  /** A result for a terminal attempt: kept beside it, acknowledged after the commit. */
  | {
      readonly kind: 'late';
      readonly hostId: string;
      readonly id: string;
      readonly result: AttemptResult;
      readonly ackOn: number;
    }
  | {
      readonly kind: 'session';
      readonly hostId: string;
      readonly sessionNo: number;
      readonly hello: HelloMessage;
      /** The host was not connected before. */
      readonly appeared: boolean;
    }
  | { readonly kind: 'place'; readonly hostId: string; readonly place: Place }
  | { readonly kind: 'components'; readonly hostId: string; readonly components: readonly SeenComponent[] }
  | { readonly kind: 'disconnected'; readonly hostId: string }
  /** Dispatches may go to its agent, or may not. */
  | { readonly kind: 'up'; readonly hostId: string }
  | { readonly kind: 'down'; readonly hostId: string }
  /** Silent for so long that what waits for it is given up. */
  | { readonly kind: 'lost'; readonly hostId: string }
  /** An attempt that is not on record runs, or (`result`) ended: acknowledged on `ackOn` once that is recorded. */
  | {
      readonly kind: 'orphan';
      readonly hostId: string;
      readonly id: string;
      readonly result: AttemptResult | undefined;
      readonly ackOn: number | undefined;
    }
  | { readonly kind: 'alert'; readonly hostId: string; readonly sentence: string; readonly id?: string };

export function createSessionsState(terms: SessionTerms): SessionsState {
  return { terms, hosts: new Map(), pace: paceOf(terms, 0), tickedMs: undefined };
}
