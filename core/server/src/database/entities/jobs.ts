import type { Command, Dispatch, Pause, Phase, Reason, State } from '@stackyard/domain';
import type { ClusterState, CommandRequest, ServiceState, StackRef, Turns } from '@stackyard/planner';
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

/**
 * A ClusterState without what the installed stacks say: manifests are found again by `stack.digest`. With it, by host
 * component and path, the digests of the files that its configure phase must give.
 */
export type Snapshot = Omit<ClusterState, 'stacks' | 'services'> & {
  readonly services: readonly SnapshotService[];
  /** Services as they were, of which the job removes host components. */
  readonly leaving: readonly SnapshotService[];
  readonly files: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** As in the plan; absent where nothing is decommissioned. */
  readonly drains?: Readonly<Record<string, readonly string[]>>;
  /** Only where the operator asked for turns. */
  readonly turns?: Turns | undefined;
};

export type SnapshotService = Omit<ServiceState, 'manifest' | 'otherVersions'> & {
  readonly otherVersions?: readonly { readonly stack: StackRef }[] | undefined;
};

/** A change shown before it happens. Executing it is refused when the cluster's revision moved. */
export const StoredPlan = defineEntity({
  name: 'StoredPlan',
  properties: {
    id: p.uuid().primary(),
    clusterId: p.uuid(),
    /** The cluster's revision the plan was made for. */
    basis: p.integer(),
    request: p.json<CommandRequest>(),
    /** What GET /plans/{id} answers. */
    view: p.json<object>(),
    createdBy: p.string(),
    createdAt: p.datetime(),
    expiresAt: p.datetime(),
    jobId: p.uuid().nullable(),
  },
});

export const Job = defineEntity({
  name: 'Job',
  properties: {
    id: p.uuid().primary(),
    clusterId: p.uuid(),
    /** Position in the queue: strictly FIFO per cluster. A retry takes a new one. */
    position: p.bigint('number').index(),
    command: p.string().$type<Command>(),
    title: p.string(),
    request: p.json<CommandRequest>(),
    /** Derived from the tasks, kept for lists; written in the commit that changes them. */
    state: p.string().$type<State>(),
    reason: p.string().$type<Reason>().nullable(),
    cancelRequested: p.boolean(),
    /** Only of a job that waits for its operator after the first batch of those that take turns. */
    pause: p.string().$type<Pause>().nullable(),
    /** The cluster's revision after the job's own change; a retry is refused when it moved. */
    basis: p.integer(),
    /** encodeGraph() of the planner. */
    graph: p.blob().lazy(),
    /** The cluster as the job leaves it: what its tasks are rendered from, whatever is changed or queued meanwhile. */
    snapshot: p.json<Snapshot>().columnType('json').lazy(),
    taskCount: p.integer(),
    counts: p.json<Record<State, number>>(),
    createdBy: p.string(),
    createdAt: p.datetime(),
    startedAt: p.datetime().nullable(),
    finishedAt: p.datetime().nullable(),
  },
  indexes: [{ properties: ['clusterId', 'state'] }],
});

export const Task = defineEntity({
  name: 'Task',
  properties: {
    id: p.uuid().primary(),
    jobId: p.uuid(),
    /** Its node in the job's graph. */
    node: p.integer(),
    clusterId: p.uuid(),
    hostId: p.uuid(),
    hostComponentId: p.uuid(),
    service: p.string(),
    component: p.string(),
    phase: p.string().$type<Phase>(),
    timeoutMs: p.integer(),
    idempotent: p.boolean(),
    deleteData: p.boolean(),
    /** Of the latest attempt; PENDING while there is none. */
    state: p.string().$type<State>(),
    reason: p.string().$type<Reason>().nullable(),
    attempts: p.integer(),
    startedAt: p.datetime().nullable(),
    finishedAt: p.datetime().nullable(),
  },
  uniques: [{ properties: ['jobId', 'node'] }],
});

/** A result that came when the attempt was terminal already. */
export interface LateResult {
  readonly reason?: string;
  readonly message?: string;
  readonly exitCode?: number;
  readonly at: string;
}

export const Attempt = defineEntity({
  name: 'Attempt',
  properties: {
    /** `<taskId>/<number>`, also on the wire. */
    id: p.string().primary(),
    taskId: p.uuid(),
    jobId: p.uuid().index(),
    hostId: p.uuid(),
    number: p.integer(),
    state: p.string().$type<State>(),
    dispatch: p.string().$type<Dispatch>().nullable(),
    reason: p.string().$type<Reason>().nullable(),
    message: p.text().nullable(),
    envelopeHash: p.string().nullable(),
    epoch: p.bigint('number').nullable(),
    sessionNo: p.bigint('number').nullable(),
    journalId: p.uuid().nullable(),
    exitCode: p.integer().nullable(),
    signal: p.string().nullable(),
    outputs: p.json<Record<string, string>>().nullable(),
    logSize: p.bigint('number'),
    issuedAt: p.datetime().nullable(),
    startedAt: p.datetime().nullable(),
    finishedAt: p.datetime().nullable(),
    durationMs: p.integer().nullable(),
    /** What the agent reported after the attempt had been given up. It never changes the state. */
    late: p.json<LateResult>().nullable(),
  },
  uniques: [{ properties: ['taskId', 'number'] }],
});

export type StoredPlanRow = InferEntity<typeof StoredPlan>;
export type JobRow = InferEntity<typeof Job>;
export type TaskRow = InferEntity<typeof Task>;
export type AttemptRow = InferEntity<typeof Attempt>;
