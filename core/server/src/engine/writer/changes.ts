import type { Desired, Leaving, Observed } from '@stackyard/domain';
import type { AttemptRow, Facts, JobRow, LateResult, TaskRow } from '../../database/entities.ts';
import type { EventPayload, EventTopic } from '../ports.ts';

/** An attempt as it is to stand in the database; `late` is written by itself, once. */
export type AttemptWrite = Omit<AttemptRow, 'late'> & { readonly late?: LateResult | null | undefined };
export type TaskWrite = Pick<TaskRow, 'id' | 'state' | 'reason' | 'attempts' | 'startedAt' | 'finishedAt'>;
export type JobWrite = Pick<
  JobRow,
  'id' | 'state' | 'reason' | 'cancelRequested' | 'pause' | 'position' | 'counts' | 'startedAt' | 'finishedAt'
>;

/** Absent fields stay as they are. `seen` replaces all of what was last observed. */
export interface ComponentPatch {
  readonly id: string;
  readonly desired?: Desired;
  /** Once-steps that are done. */
  readonly once?: readonly string[];
  readonly configured?: {
    readonly applied: object;
    readonly appliedValues: object;
    readonly configVersion: number | null;
  };
  /** How far it is on its way out from here on; null when it is no longer. */
  readonly way?: { readonly leaving: Leaving | null };
  /** The artifact it runs from now on. */
  readonly stackDigest?: string;
  readonly seen?: {
    readonly observed: Observed;
    readonly observedAt: Date;
    readonly observedMessage: string | null;
    readonly role: string | null;
    readonly restarts: number;
    readonly pid: number | null;
  };
}

/** Absent fields stay as they are. */
export interface HostPatch {
  readonly id: string;
  readonly connected?: boolean;
  readonly lastSeenAt?: Date;
  readonly facts?: Facts;
  readonly session?: {
    readonly sessionNo: number;
    readonly journalId: string;
    readonly hostBootId: string;
    readonly agentBootId: string;
    readonly agentVersion: string;
    readonly address: string;
    readonly bind: string;
    readonly root: string;
    readonly local: boolean;
  };
}

export interface NewEvent {
  readonly topic: EventTopic;
  readonly clusterId: string | undefined;
  readonly payload: EventPayload;
  /** Of several events with the same key in one commit only the last is written. */
  readonly key?: string;
}

/** What one step of the engine decided: committed together or not at all. */
export interface Change {
  readonly attempts?: readonly AttemptWrite[];
  readonly late?: readonly { readonly id: string; readonly late: LateResult }[];
  readonly tasks?: readonly TaskWrite[];
  readonly jobs?: readonly JobWrite[];
  readonly components?: readonly ComponentPatch[];
  /** Host components that are gone; with `service` the service goes when nothing is left of it. */
  readonly removed?: readonly { readonly id: string; readonly service?: string }[];
  readonly hosts?: readonly HostPatch[];
  readonly events?: readonly NewEvent[];
}

/** Many changes as one: every row at most once, the last word counts. */
export interface Folded {
  readonly attempts: readonly AttemptWrite[];
  readonly late: readonly { readonly id: string; readonly late: LateResult }[];
  readonly tasks: readonly TaskWrite[];
  readonly jobs: readonly JobWrite[];
  readonly components: readonly ComponentPatch[];
  readonly removed: readonly { readonly id: string; readonly service?: string }[];
  readonly hosts: readonly HostPatch[];
  readonly events: readonly NewEvent[];
}

export function fold(changes: readonly Change[]): Folded {
  const late = new Map(changes.flatMap((change) => change.late ?? []).map((result) => [result.id, result]));
  // One statement changes a row once: PostgreSQL would do one of the two, and not say which.
  const written = keepLast(changes.flatMap((change) => change.attempts ?? []));
  const attempts = late.size === 0 ? written : written.map((attempt) => withLate(attempt, late));
  const removed = keepLast(changes.flatMap((change) => change.removed ?? []));
  const gone = new Set(removed.map(({ id }) => id));
  return {
    attempts,
    late: [...late.values()],
    tasks: keepLast(changes.flatMap((change) => change.tasks ?? [])),
    jobs: keepLast(changes.flatMap((change) => change.jobs ?? [])),
    // A row that is deleted must not be updated by the same statement: PostgreSQL would do either.
    components: mergePatches(
      changes.flatMap((change) => change.components ?? []),
      mergeComponents,
    ).filter(({ id }) => !gone.has(id)),
    removed,
    hosts: mergePatches(
      changes.flatMap((change) => change.hosts ?? []),
      (before, after) => ({ ...before, ...after }),
    ),
    events: keepLastEvents(changes.flatMap((change) => change.events ?? [])),
  };
}

function withLate(attempt: AttemptWrite, late: Map<string, { readonly late: LateResult }>): AttemptWrite {
  const result = late.get(attempt.id);
  late.delete(attempt.id);
  return result ? { ...attempt, late: result.late } : attempt;
}

function keepLast<T extends { readonly id: string }>(rows: readonly T[]): readonly T[] {
  return rows.length < 2 ? rows : [...new Map(rows.map((row) => [row.id, row])).values()];
}

function mergeComponents(before: ComponentPatch, after: ComponentPatch): ComponentPatch {
  const once = [...(before.once ?? []), ...(after.once ?? [])];
  return { ...before, ...after, ...(once.length > 0 ? { once } : {}) };
}

function mergePatches<T extends { readonly id: string }>(
  patches: readonly T[],
  merge: (before: T, after: T) => T,
): readonly T[] {
  if (patches.length < 2) return patches;
  const merged = new Map<string, T>();
  for (const patch of patches) {
    const before = merged.get(patch.id);
    merged.set(patch.id, before ? merge(before, patch) : patch);
  }
  return [...merged.values()];
}

function keepLastEvents(events: readonly NewEvent[]): readonly NewEvent[] {
  const lastByKey = new Map(events.map(({ key }, index) => [key, index]));
  return events.filter(({ key }, index) => key === undefined || lastByKey.get(key) === index);
}
