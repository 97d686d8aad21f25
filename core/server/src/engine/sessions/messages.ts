import type { Observed, Reason } from '@stackyard/domain';
import type { Facts } from '../../database/entities.ts';
import type { Pace } from './pace.ts';

/** How far the agent is with an attempt, as the wire says it. */
export type WirePhase = 'ACCEPTED' | 'STARTED' | 'EXITED' | 'TOMBSTONE';

/** What an attempt came to. No `reason` means that it succeeded. */
export interface AttemptResult {
  readonly reason: Reason | undefined;
  readonly message: string;
  readonly exitCode: number;
  readonly signal: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly logSize: number;
  readonly outputs: Readonly<Record<string, string>>;
  readonly applied: Readonly<Record<string, string>>;
}

export interface InventoryEntry {
  /** `<task id>/<number>` */
  readonly id: string;
  /** SHA-256 of the envelope, hex. */
  readonly hash: string;
  readonly phase: WirePhase;
  readonly result: AttemptResult | undefined;
}

export interface SeenComponent {
  readonly id: string;
  readonly observed: Observed;
  readonly message: string;
  readonly role: string;
  readonly restarts: number;
  readonly pid: number;
  readonly sinceMs: number;
}

/** Where the agent's host is and what it is. */
export interface Place {
  readonly address: string;
  readonly bind: string;
  readonly root: string;
  readonly local: boolean;
  readonly facts: Facts;
}

export interface HelloMessage {
  readonly kind: 'hello';
  readonly protoMin: number;
  readonly protoMax: number;
  readonly installId: string;
  readonly maxEpochSeen: number;
  readonly agentBootId: string;
  readonly hostBootId: string;
  readonly journalId: string;
  readonly agentVersion: string;
  readonly place: Place | undefined;
  readonly inventory: readonly InventoryEntry[];
  readonly components: readonly SeenComponent[];
}

/** What an agent says. */
export type AgentSays =
  | HelloMessage
  | { readonly kind: 'heartbeat'; readonly n: number; readonly digest: string }
  | { readonly kind: 'accepted'; readonly id: string }
  | { readonly kind: 'duplicate'; readonly id: string; readonly phase: WirePhase }
  | { readonly kind: 'refused'; readonly id: string; readonly reason: string; readonly message: string }
  | { readonly kind: 'started'; readonly id: string }
  | { readonly kind: 'result'; readonly id: string; readonly hash: string; readonly result: AttemptResult }
  | { readonly kind: 'cancelReply'; readonly id: string; readonly phase: WirePhase }
  /** It has nothing of what it was asked to say again. */
  | { readonly kind: 'forgotten'; readonly id: string }
  | { readonly kind: 'components'; readonly components: readonly SeenComponent[] }
  | { readonly kind: 'facts'; readonly place: Place };

/** What the session itself says; dispatches and watches carry bodies that the engine adds. */
export type ServerSays =
  | ({ readonly kind: 'welcome'; readonly sessionNo: number } & Pace)
  | ({ readonly kind: 'heartbeatAck'; readonly n: number } & Pace)
  | { readonly kind: 'resultAck'; readonly id: string }
  /** Say its result again; when it is not kept any more, that it is over. */
  | { readonly kind: 'recall'; readonly id: string }
  | { readonly kind: 'cancel'; readonly id: string; readonly cause: Reason };
