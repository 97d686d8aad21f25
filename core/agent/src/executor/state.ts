import type { AttemptEffect, Happening } from '../session/driver.ts';
import type { AttemptRef, AttemptResult, Order, Refusal } from '../session/messages.ts';
import type { Decision, EntryOnDisk, ExitRecord, Found } from './records.ts';

/**
 * Where an attempt stands on this host:
 * JOURNALING – its command is on its way to the disk;
 * ACCEPTED – on disk, nobody may decide to run it;
 * STARTING – its start was asked for: it is being prepared, or a runner has it and may decide;
 * FENCING – our abort of its try is on its way, and may lose against the runner;
 * RUNNING – its runner has decided, and is followed;
 * ENDING – everything that carries its cookie is being ended;
 * LOOKING – its `exit` is being read;
 * CLOSING – a result that the agent writes for it is on its way to the disk;
 * EXITED – its result is on disk and not yet acknowledged.
 */
export type Standing =
  | 'JOURNALING'
  | 'ACCEPTED'
  | 'STARTING'
  | 'FENCING'
  | 'RUNNING'
  | 'ENDING'
  | 'LOOKING'
  | 'CLOSING'
  | 'EXITED';

/** An end that was asked for. The first one asked for is the reason that is told. */
export interface Ending {
  readonly reason: string;
  readonly graceMs: number;
}

/** A runner that was given the try. It decides only after it was released. */
export interface Given {
  /** Names the runner among all that this agent ever took. */
  readonly runner: number;
  readonly released: boolean;
}

export interface Attempt {
  readonly ref: AttemptRef;
  readonly hash: string;
  readonly acceptedMono: number;
  readonly standing: Standing;
  /** Of its artifact and archives. */
  readonly preparation: 'NONE' | 'UNDER_WAY' | 'READY';
  /** Monotonic time until which it may be started; unknown while that was not asked for. */
  readonly startUntil: number | undefined;
  /** The highest try that is decided; the next one is this and one. */
  readonly tryNumber: number;
  readonly given: Given | undefined;
  /** Runners that were gone before they had decided anything, since the start was asked for. */
  readonly failures: number;
  /** Why the last of them could not be started. */
  readonly failure: string | undefined;
  /** Known from RUNNING on. */
  readonly decision: Decision | undefined;
  readonly ending: Ending | undefined;
  /** Nothing that carries its cookie is left. */
  readonly swept: boolean;
  /** Something with its cookie hangs in the kernel. */
  readonly survived: boolean;
  /** What is to be written once what prepares it has stopped. */
  readonly verdict: ExitRecord | undefined;
  /** Why it was not journaled: told once what prepares it has stopped. */
  readonly refusal: { readonly reason: Refusal; readonly message: string } | undefined;
  /** Something was seen while its `exit` was being read: read again. */
  readonly again: boolean;
  readonly result: AttemptResult | undefined;
  /** Found at the start of the agent, and not yet known how it stands. */
  readonly recovering: boolean;
}

export interface ExecutorState {
  /** The kernel's boot id. */
  readonly bootId: string;
  /** By attempt id: what is not acknowledged. Replaced entry by entry. */
  readonly attempts: Map<string, Attempt>;
  /** Of damaged entries: what they may have left running, while it is being ended. */
  readonly quarantined: Map<string, { readonly decision: Decision; readonly survived: boolean }>;
  /** The number of the next runner. */
  nextRunner: number;
  /** Told once all that was found at the start of the agent is known. */
  recovery: 'NONE' | 'UNDER_WAY' | 'TOLD';
}

/** An attempt as it was found at the start of the agent. The process must be looked at before the files are read. */
export interface FoundEntry extends EntryOnDisk {
  /** Whether the process named by the decision lives. */
  readonly runnerAlive: boolean;
  readonly logSize: number;
}

/** An attempt as it stands when the agent has looked at everything it found. */
export interface RecoveredAttempt {
  readonly attempt: AttemptRef;
  readonly hash: string;
  readonly acceptedMono: number;
  /** WAITING: certainly never started, and nobody can start it but us. STARTED: it runs and is followed. */
  readonly standing: 'WAITING' | 'STARTED' | 'EXITED';
  readonly pid?: number | undefined;
  readonly startedMono?: number | undefined;
  readonly result?: AttemptResult | undefined;
}

/** Everything that can happen to the executor. `now` is the kernel's monotonic clock in milliseconds. */
export type ExecutorEvent = { readonly now: number } & ExecutorHappening;

export type ExecutorHappening =
  /** The agent has started. Comes first, once; of damaged entries only what they may have left running is of interest. */
  | {
      readonly kind: 'boot';
      readonly found: readonly FoundEntry[];
      readonly quarantined: readonly { readonly attempt: AttemptRef; readonly decision: Found<Decision> }[];
    }
  // ---- asked for by the session
  | AttemptEffect
  // ---- answers of the disk; each says what is durable
  | { readonly kind: 'commandWritten'; readonly attempt: AttemptRef }
  | {
      readonly kind: 'commandRefused';
      readonly attempt: AttemptRef;
      readonly reason: Refusal;
      readonly message: string;
    }
  | { readonly kind: 'buried'; readonly attempt: AttemptRef }
  /** The abort of a try was linked, or something was there before: `decision` is what holds. */
  | {
      readonly kind: 'fenced';
      readonly attempt: AttemptRef;
      readonly tryNumber: number;
      readonly won: boolean;
      readonly decision: Found<Decision>;
    }
  /** `alive`: of the process named by the decision, looked at before `exit` was read. */
  | {
      readonly kind: 'exitRead';
      readonly attempt: AttemptRef;
      readonly exit: Found<ExitRecord>;
      readonly alive: boolean;
      readonly logSize: number;
    }
  /** `exit` is the result that holds: an earlier one is never replaced. */
  | {
      readonly kind: 'exitWritten';
      readonly attempt: AttemptRef;
      readonly exit: ExitRecord;
      readonly logSize: number;
    }
  | {
      readonly kind: 'exitNotWritten';
      readonly attempt: AttemptRef;
      readonly exit: ExitRecord;
      readonly message: string;
    }
  // ---- what is got ready
  | { readonly kind: 'prepared'; readonly attempt: AttemptRef }
  | { readonly kind: 'notPrepared'; readonly attempt: AttemptRef; readonly reason: string; readonly message: string }
  // ---- runners and processes
  | {
      readonly kind: 'decided';
      readonly attempt: AttemptRef;
      readonly runner: number;
      readonly decision: Decision;
    }
  /** It found its try decided by somebody else. */
  | { readonly kind: 'runnerFenced'; readonly attempt: AttemptRef; readonly runner: number }
  /** It was released long ago and has not said anything. */
  | { readonly kind: 'runnerSilent'; readonly attempt: AttemptRef; readonly runner: number }
  /** Its `exit` is durable. */
  | { readonly kind: 'runnerDone'; readonly attempt: AttemptRef; readonly runner: number }
  | {
      readonly kind: 'runnerGone';
      readonly attempt: AttemptRef;
      readonly runner: number;
      readonly failure?: string | undefined;
    }
  /** Of what is followed: its `exit` is there or its process is gone. May come too often. */
  | { readonly kind: 'exitSeen'; readonly attempt: AttemptRef }
  | { readonly kind: 'processesEnded'; readonly attempt: AttemptRef }
  | { readonly kind: 'processesSurvive'; readonly attempt: AttemptRef; readonly message: string };

/** Everything the executor asks of the world. `afterMs`: not earlier than that. */
export type ExecutorEffect =
  /** `cmd`, with the boot id; durable before `commandWritten`. */
  | { readonly kind: 'writeCommand'; readonly order: Order }
  /**
   * Get artifact and archives: `prepared` or `notPrepared` follows, also after `abandon`. `envelope` while it is not known
   * whether the journal has it.
   */
  | { readonly kind: 'prepare'; readonly attempt: AttemptRef; readonly envelope?: Buffer | undefined }
  | { readonly kind: 'abandon'; readonly attempt: AttemptRef }
  /** Take a runner and hand the try over; it waits for `release`. */
  | { readonly kind: 'assign'; readonly attempt: AttemptRef; readonly tryNumber: number; readonly runner: number }
  /** From here on it may decide. `decided`, `runnerFenced`, `runnerSilent` or `runnerGone` follows. */
  | { readonly kind: 'release'; readonly attempt: AttemptRef; readonly runner: number }
  /** It was not released and goes without having decided anything. */
  | { readonly kind: 'dismiss'; readonly attempt: AttemptRef; readonly runner: number }
  /** `link(2)` an abort to `decision.k`: `fenced` follows. */
  | { readonly kind: 'fence'; readonly attempt: AttemptRef; readonly tryNumber: number }
  /** Watch for its `exit` and for the end of its process: `exitSeen`. */
  | { readonly kind: 'follow'; readonly attempt: AttemptRef; readonly decision: Decision }
  /** `sync`: nobody has said that it is durable, so make it so before `exitRead`. */
  | {
      readonly kind: 'readExit';
      readonly attempt: AttemptRef;
      readonly decision: Decision | undefined;
      readonly sync: boolean;
    }
  /** Leave `ending`, then end everything with the cookie: `processesEnded` or `processesSurvive`. */
  | {
      readonly kind: 'endProcesses';
      readonly attempt: AttemptRef;
      readonly decision: Decision;
      readonly graceMs: number;
      readonly ending: string | undefined;
      readonly afterMs: number;
    }
  /** Durable before `exitWritten`, and once: what is there stays. */
  | { readonly kind: 'writeExit'; readonly attempt: AttemptRef; readonly exit: ExitRecord; readonly afterMs: number }
  /** A tombstone for what never came; durable before `buried`. */
  | { readonly kind: 'bury'; readonly attempt: AttemptRef }
  /** A tombstone for what is acknowledged; its loss means only that the result is told again. */
  | { readonly kind: 'settle'; readonly attempt: AttemptRef }
  /** For the session. */
  | { readonly kind: 'say'; readonly happening: Happening }
  /** All that was found at the start is known: a session can be restored from it. Nothing was said before. */
  | { readonly kind: 'recovered'; readonly attempts: readonly RecoveredAttempt[] }
  | { readonly kind: 'alert'; readonly message: string; readonly attempt: AttemptRef };

export function createExecutorState(bootId: string): ExecutorState {
  return { bootId, attempts: new Map(), quarantined: new Map(), nextRunner: 1, recovery: 'NONE' };
}
