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
    readonly appliedValues?: object;
    readonly configVersion?: number | null;
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
  // One statement changes a row once: PostgreSQL would do one of the two, and not say which.
  const attempts = new Map<string, AttemptWrite>();
  const late = new Map<string, NonNullable<Change['late']>[number]>();
  const tasks = new Map<string, TaskWrite>();
  const jobs = new Map<string, JobWrite>();
  const components = new Map<string, ComponentPatch>();
  const removed = new Map<string, NonNullable<Change['removed']>[number]>();
  const hosts = new Map<string, HostPatch>();
  const events = new Map<string | number, NewEvent>();
  for (const change of changes) {
    keepLast(attempts, change.attempts);
    keepLast(late, change.late);
    keepLast(tasks, change.tasks);
    keepLast(jobs, change.jobs);
    merge(components, change.components, mergeComponents);
    keepLast(removed, change.removed);
    merge(hosts, change.hosts, (before, after) => ({ ...before, ...after }));
    keepLastEvents(events, change.events);
  }
  // A row that is deleted must not be updated by the same statement: PostgreSQL would do either.
  for (const id of removed.keys()) components.delete(id);
  for (const [id, result] of late) {
    const attempt = attempts.get(id);
    if (attempt && late.delete(id)) attempts.set(id, { ...attempt, late: result.late });
  }
  return {
    attempts: [...attempts.values()],
    late: [...late.values()],
    tasks: [...tasks.values()],
    jobs: [...jobs.values()],
    components: [...components.values()],
    removed: [...removed.values()],
    hosts: [...hosts.values()],
    events: [...events.values()],
  };
}

function keepLast<T extends { readonly id: string }>(kept: Map<string, T>, rows: readonly T[] = []): void {
  for (const row of rows) kept.set(row.id, row);
}

/** In the order of what is kept. */
function keepLastEvents(kept: Map<string | number, NewEvent>, events: readonly NewEvent[] = []): void {
  for (const event of events) {
    const { size } = kept;
    const key = event.key ?? size;
    kept.set(key, event);
    if (kept.size > size) continue;
    kept.delete(key);
    kept.set(key, event);
  }
}

function merge<T extends { readonly id: string }>(
  merged: Map<string, T>,
  patches: readonly T[] = [],
  mergeTwo: (before: T, after: T) => T,
): void {
  for (const patch of patches) {
    const before = merged.get(patch.id);
    merged.set(patch.id, before ? mergeTwo(before, patch) : patch);
  }
}

function mergeComponents(before: ComponentPatch, after: ComponentPatch): ComponentPatch {
  const once = [...(before.once ?? []), ...(after.once ?? [])];
  return { ...before, ...after, ...(once.length > 0 ? { once } : {}) };
}
