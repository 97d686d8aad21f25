import type { Attempts } from './attempts.ts';
import type { AttemptRef, AttemptResult, AgentSays, Order, Refusal, ServerSays, WirePhase } from './messages.ts';
import type { Tombstones } from './tombstones.ts';

/** The highest server epoch this agent has obeyed, per installation. It never obeys a lower one. */
export interface Fence {
  readonly installId: string;
  readonly epoch: number;
}

/** One control stream, from its opening on. `told` is what Hello said of each attempt. */
export interface Link {
  readonly stream: number;
  readonly phase: 'GREETING' | 'FENCING' | 'LIVE';
  readonly told: ReadonlyMap<string, WirePhase>;
  readonly welcome?: Extract<ServerSays, { kind: 'welcome' }> | undefined;
  /** Commands that could not be journaled: they are not taken when they are said once more. */
  readonly refused: ReadonlyMap<string, { readonly reason: Refusal; readonly message: string }>;
  /** Messages that came while the new fence was on its way to the disk. */
  readonly held: readonly ServerSays[];
  readonly beat: number;
  /** When each unanswered heartbeat was sent. */
  readonly beats: ReadonlyMap<number, number>;
}

/** The server's promise not to give this agent's work to anybody else; monotonic milliseconds. */
export interface Lease {
  readonly from: number;
  readonly leaseMs: number;
}

/** A result that was acknowledged, and is kept for a while. */
export interface Kept {
  readonly hash: string;
  readonly result: AttemptResult;
}

export interface SessionState {
  /** The root of this host: what is meant for another is refused. Undefined for an agent that stands for many. */
  readonly root?: string | undefined;
  readonly fence: Fence;
  /** The highest epoch on its way to the disk. */
  readonly savingEpoch?: number | undefined;
  /** The highest session number seen under `fence.epoch`. */
  readonly sessionNo: number;
  readonly link?: Link | undefined;
  readonly lease?: Lease | undefined;
  readonly attempts: Attempts;
  readonly tombstones: Tombstones;
  /** When the next attempt expires or times out, as last scheduled. */
  readonly deadline?: number | undefined;
}

/** Everything that can happen to the session. `now` is a monotonic clock that outlives the process, in milliseconds. */
export type SessionEvent = { readonly now: number } & (
  | { readonly kind: 'connected'; readonly stream: number }
  | { readonly kind: 'disconnected'; readonly stream: number }
  | { readonly kind: 'received'; readonly stream: number; readonly message: ServerSays }
  | { readonly kind: 'fenceSaved'; readonly fence: Fence }
  | { readonly kind: 'journaled'; readonly attempt: AttemptRef }
  | {
      readonly kind: 'notJournaled';
      readonly attempt: AttemptRef;
      readonly reason: Refusal;
      readonly message: string;
    }
  | { readonly kind: 'tombstoned'; readonly attempt: AttemptRef }
  /** Answers `recall`. */
  | { readonly kind: 'recalled'; readonly attempt: AttemptRef; readonly kept: Kept | undefined }
  | { readonly kind: 'started'; readonly attempt: AttemptRef; readonly pid: number }
  /** It was ready only after the time until which it might be started. It certainly has not started. */
  | { readonly kind: 'postponed'; readonly attempt: AttemptRef }
  | { readonly kind: 'exited'; readonly attempt: AttemptRef; readonly result: AttemptResult }
  | { readonly kind: 'timer'; readonly timer: Timer }
);

export type Timer = 'heartbeat' | 'deadline';

/** Everything the session asks of the world. */
export type Effect =
  | { readonly kind: 'send'; readonly stream: number; readonly message: AgentSays }
  /** Drop the stream; with `retryAfterMs` do not come back earlier. */
  | { readonly kind: 'close'; readonly stream: number; readonly reason: string; readonly retryAfterMs?: number }
  /** On disk before `fenceSaved`. */
  | { readonly kind: 'saveFence'; readonly fence: Fence }
  /** On disk before `journaled`. With a live lease its start will be asked for then: `startUntil` is the end of it. */
  | { readonly kind: 'journal'; readonly order: Order; readonly startUntil?: number | undefined }
  /** Never to be accepted; on disk before `tombstoned`. */
  | { readonly kind: 'bury'; readonly attempt: AttemptRef }
  /** Hand to a runner, but not after `until`: `started` and `exited` follow, or `postponed`. */
  | { readonly kind: 'start'; readonly attempt: AttemptRef; readonly until: number }
  /** End without ever running: the result is on disk before `exited`. */
  | { readonly kind: 'finish'; readonly attempt: AttemptRef; readonly result: AttemptResult }
  /** End what runs: `exited` follows. */
  | {
      readonly kind: 'end';
      readonly attempt: AttemptRef;
      readonly graceMs: number;
      readonly reason: 'KILLED' | 'TIMEOUT';
    }
  /** The server has the result: only a tombstone is kept. */
  | { readonly kind: 'settle'; readonly attempt: AttemptRef }
  /** Look for a result that was acknowledged: `recalled` follows. */
  | { readonly kind: 'recall'; readonly attempt: AttemptRef }
  /** Replaces an earlier schedule of the same timer; `jitter` is a fraction of the time. */
  | { readonly kind: 'schedule'; readonly timer: Timer; readonly afterMs: number; readonly jitter: number }
  /** Something that must not happen did. */
  | { readonly kind: 'alert'; readonly message: string; readonly attempt?: AttemptRef };

export type Step = readonly [SessionState, readonly Effect[]];
