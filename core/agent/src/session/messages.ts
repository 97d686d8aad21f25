import type { Reason } from '@stackyard/domain';

/** Names one try of a task; the durable identity of everything the session speaks about. */
export interface AttemptRef {
  readonly taskId: string;
  readonly number: number;
}

/** What an attempt came to. No `reason` means that it succeeded. Times in milliseconds. */
export interface AttemptResult {
  readonly reason?: Reason | undefined;
  readonly message: string;
  readonly exitCode: number;
  readonly signal: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly logSize: number;
  readonly outputs: Readonly<Record<string, string>>;
  readonly applied: Readonly<Record<string, string>>;
}

/** How far the agent is with an attempt, as the wire says it. */
export type WirePhase = 'ACCEPTED' | 'STARTED' | 'EXITED' | 'TOMBSTONE';

/** Why a dispatch is refused, beside the reasons of the domain. */
export type Refusal = Reason | 'PREVIOUS_RUNNING' | 'SUPERSEDED' | 'HASH_MISMATCH';

export interface InventoryEntry {
  readonly attempt: AttemptRef;
  /** SHA-256 of the envelope, hex. */
  readonly hash: string;
  readonly phase: WirePhase;
  readonly result?: AttemptResult | undefined;
}

/** What the agent says. The adapter adds what is no business of the session: facts, components, gauges. */
export type AgentSays =
  | {
      readonly kind: 'hello';
      readonly installId: string;
      readonly maxEpochSeen: number;
      readonly inventory: readonly InventoryEntry[];
    }
  | { readonly kind: 'heartbeat'; readonly n: number; readonly digest: string; readonly running: readonly AttemptRef[] }
  | { readonly kind: 'accepted'; readonly attempt: AttemptRef }
  | { readonly kind: 'duplicate'; readonly attempt: AttemptRef; readonly phase: WirePhase }
  | { readonly kind: 'refused'; readonly attempt: AttemptRef; readonly reason: Refusal; readonly message: string }
  | { readonly kind: 'started'; readonly attempt: AttemptRef; readonly pid: number }
  | { readonly kind: 'result'; readonly attempt: AttemptRef; readonly hash: string; readonly result: AttemptResult }
  | { readonly kind: 'cancelReply'; readonly attempt: AttemptRef; readonly phase: WirePhase }
  | { readonly kind: 'forgotten'; readonly attempt: AttemptRef };

/** A command as it came: the very bytes that are hashed and journaled, and the terms the session itself keeps. */
export interface Order {
  readonly attempt: AttemptRef;
  /** The hash the server states, hex. */
  readonly hash: string;
  readonly envelope: Buffer;
  readonly terms: Terms;
}

export interface Terms {
  readonly taskId: string;
  readonly number: number;
  readonly timeoutMs: number;
  readonly killGraceMs: number;
  readonly startWithinMs: number;
  /** The root of the host that it is meant for; undefined when the sender names none. */
  readonly root?: string | undefined;
}

export type ServerSays =
  | {
      readonly kind: 'welcome';
      readonly installId: string;
      readonly epoch: number;
      readonly sessionNo: number;
      readonly heartbeatMs: number;
      readonly leaseMs: number;
    }
  /** How often to beat from now on; as before when that is 0. */
  | {
      readonly kind: 'heartbeatAck';
      readonly n: number;
      readonly leaseMs: number;
      readonly heartbeatMs: number;
    }
  | ({ readonly kind: 'dispatch' } & Order)
  | { readonly kind: 'resultAck'; readonly attempt: AttemptRef }
  /** Say its result again, though it was acknowledged. */
  | { readonly kind: 'recall'; readonly attempt: AttemptRef }
  | { readonly kind: 'cancel'; readonly attempt: AttemptRef; readonly graceMs: number; readonly cause: string }
  | { readonly kind: 'goaway'; readonly retryAfterMs: number; readonly reason: string };
