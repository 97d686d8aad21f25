import type { ClusterState, CommandRequest, ConfigValues, ServiceState } from '@stackyard/planner';
import type { Command, Desired, Dispatch, Observed, Phase, Reason, State } from '@stackyard/domain';
import type { StackManifest } from '@stackyard/sdk/manifest';
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

/**
 * A ClusterState without what the installed stacks say: manifests are found again by `stack.digest`. With it, by host
 * component and path, the digests of the files that its configure phase must give.
 */
export type Snapshot = Omit<ClusterState, 'stacks' | 'services'> & {
  readonly services: readonly Omit<ServiceState, 'manifest'>[];
  /** Services as they were, of which the job removes host components. */
  readonly leaving: readonly Omit<ServiceState, 'manifest'>[];
  readonly files: Readonly<Record<string, Readonly<Record<string, string>>>>;
};

/** One row: who this installation is, and the epoch that fences older servers. */
export const Installation = defineEntity({
  name: 'Installation',
  properties: {
    id: p.integer().primary(),
    installId: p.uuid(),
    epoch: p.bigint('number'),
    /** Raised by every commit of the one writer under this epoch: tells whether a commit without an answer happened. */
    commitNo: p.bigint('number').default(0),
    createdAt: p.datetime(),
  },
});

/** An installed stack version; the artifact itself lies in the artifact store under its digest. */
export const Stack = defineEntity({
  name: 'Stack',
  properties: {
    id: p.uuid().primary(),
    name: p.string(),
    version: p.string(),
    digest: p.string(),
    size: p.bigint('number'),
    manifest: p.json<StackManifest>(),
    installedAt: p.datetime(),
  },
  uniques: [{ properties: ['name', 'version'] }],
});

export const Cluster = defineEntity({
  name: 'Cluster',
  properties: {
    id: p.uuid().primary(),
    name: p.string().unique(),
    title: p.string().nullable(),
    /** Raised by every change of layout or configs: plans are bound to it, and it is the cluster's ETag. */
    revision: p.integer(),
    createdAt: p.datetime(),
  },
});

export interface Facts {
  readonly hostname: string;
  readonly os: string;
  readonly kernel: string;
  readonly arch: string;
  readonly cpus: number;
  readonly memory: number;
  readonly disk: number;
  readonly java: readonly { readonly home: string; readonly version: string; readonly vendor: string }[];
  readonly privileged: boolean;
  readonly more: Readonly<Record<string, string>>;
}

export const Host = defineEntity({
  name: 'Host',
  properties: {
    /** Also the agent's id. */
    id: p.uuid().primary(),
    name: p.string().unique(),
    address: p.string(),
    bind: p.string(),
    root: p.string(),
    local: p.boolean(),
    clusterId: p.uuid().nullable().index(),
    /** scrypt or SHA-256 of a 256-bit secret; the secret itself is never stored. */
    secretHash: p.string().hidden(),
    facts: p.json<Facts>().nullable(),
    journalId: p.uuid().nullable(),
    hostBootId: p.string().nullable(),
    agentBootId: p.string().nullable(),
    agentVersion: p.string().nullable(),
    sessionNo: p.bigint('number'),
    connected: p.boolean(),
    lastSeenAt: p.datetime().nullable(),
    joinedAt: p.datetime(),
  },
});

export const JoinToken = defineEntity({
  name: 'JoinToken',
  properties: {
    hash: p.string().primary(),
    hostName: p.string(),
    expiresAt: p.datetime(),
    usedAt: p.datetime().nullable(),
    createdBy: p.string(),
    createdAt: p.datetime(),
  },
});

export const Service = defineEntity({
  name: 'Service',
  properties: {
    id: p.uuid().primary(),
    clusterId: p.uuid(),
    name: p.string(),
    stackName: p.string(),
    stackVersion: p.string(),
    stackDigest: p.string(),
    configVersion: p.integer(),
    generated: p.json<ConfigValues>(),
    nextOrdinals: p.json<Record<string, number>>(),
    createdAt: p.datetime(),
  },
  uniques: [{ properties: ['clusterId', 'name'] }],
});

/** An immutable saved set of values. Defaults are not stored. */
export const ConfigVersion = defineEntity({
  name: 'ConfigVersion',
  properties: {
    id: p.uuid().primary(),
    serviceId: p.uuid(),
    version: p.integer(),
    values: p.json<ConfigValues>(),
    /** By host id. */
    overrides: p.json<Record<string, ConfigValues>>(),
    note: p.string().nullable(),
    createdBy: p.string(),
    createdAt: p.datetime(),
  },
  uniques: [{ properties: ['serviceId', 'version'] }],
});

export const HostComponent = defineEntity({
  name: 'HostComponent',
  properties: {
    id: p.uuid().primary(),
    clusterId: p.uuid(),
    serviceId: p.uuid(),
    service: p.string(),
    component: p.string(),
    hostId: p.uuid().index(),
    ordinal: p.integer(),
    desired: p.string().$type<Desired>(),
    observed: p.string().$type<Observed>(),
    observedAt: p.datetime().nullable(),
    observedMessage: p.text().nullable(),
    role: p.string().nullable(),
    restarts: p.integer(),
    pid: p.integer().nullable(),
    /** Digest by path of the files last applied. */
    applied: p.json<Record<string, string>>().nullable(),
    appliedValues: p.json<ConfigValues>().nullable(),
    configVersion: p.integer().nullable(),
    once: p.json<string[]>(),
    createdAt: p.datetime(),
  },
  uniques: [
    { properties: ['serviceId', 'component', 'hostId'] },
    { properties: ['serviceId', 'component', 'ordinal'] },
  ],
  indexes: [{ properties: ['clusterId'] }],
});

/** Text of a rendered file by its digest: the old side of a diff. */
export const RenderedText = defineEntity({
  name: 'RenderedText',
  properties: { digest: p.string().primary(), content: p.text(), createdAt: p.datetime() },
});

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
    /** The cluster's revision after the job's own change; a retry is refused when it moved. */
    basis: p.integer(),
    /** encodeGraph() of the planner. */
    graph: p.blob().lazy(),
    /** The cluster as the job leaves it: what its tasks are rendered from, whatever is changed or queued meanwhile. */
    snapshot: p.json<Snapshot>().lazy(),
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

/** The outbox: event ids grow in commit order, so a stream resumes exactly. */
export const Event = defineEntity({
  name: 'Event',
  properties: {
    id: p.bigint('number').primary(),
    topic: p.string(),
    clusterId: p.uuid().nullable(),
    payload: p.json<object>(),
    at: p.datetime(),
  },
  indexes: [{ properties: ['clusterId', 'id'] }],
});

export const IdempotencyKey = defineEntity({
  name: 'IdempotencyKey',
  properties: {
    principal: p.string().primary(),
    key: p.string().primary(),
    requestHash: p.string(),
    status: p.integer().nullable(),
    headers: p.json<Record<string, string>>().nullable(),
    body: p.json<unknown>().nullable(),
    createdAt: p.datetime().index(),
  },
});

export const ApiToken = defineEntity({
  name: 'ApiToken',
  properties: { id: p.uuid().primary(), name: p.string(), hash: p.string().unique().hidden(), createdAt: p.datetime() },
});

export const AuditEntry = defineEntity({
  name: 'AuditEntry',
  properties: {
    id: p.uuid().primary(),
    at: p.datetime().index(),
    principal: p.string(),
    action: p.string(),
    resource: p.string(),
    clusterId: p.uuid().nullable(),
    requestId: p.string(),
    status: p.integer(),
  },
});

/** A product archive that the package repository holds. */
export const StoredPackageRow = defineEntity({
  name: 'StoredPackageRow',
  tableName: 'stored_package',
  properties: {
    digest: p.string().primary(),
    name: p.string(),
    version: p.string(),
    contentDigest: p.string(),
    size: p.bigint('number'),
    origin: p.string(),
    createdAt: p.datetime(),
  },
});

export type InstallationRow = InferEntity<typeof Installation>;
export type StackRow = InferEntity<typeof Stack>;
export type ClusterRow = InferEntity<typeof Cluster>;
export type HostRow = InferEntity<typeof Host>;
export type ServiceRow = InferEntity<typeof Service>;
export type ConfigVersionRow = InferEntity<typeof ConfigVersion>;
export type HostComponentRow = InferEntity<typeof HostComponent>;
export type StoredPlanRow = InferEntity<typeof StoredPlan>;
export type JobRow = InferEntity<typeof Job>;
export type TaskRow = InferEntity<typeof Task>;
export type AttemptRow = InferEntity<typeof Attempt>;
export type EventRow = InferEntity<typeof Event>;

export const entities = [
  Installation,
  Stack,
  Cluster,
  Host,
  JoinToken,
  Service,
  ConfigVersion,
  HostComponent,
  RenderedText,
  StoredPlan,
  Job,
  Task,
  Attempt,
  Event,
  IdempotencyKey,
  ApiToken,
  AuditEntry,
  StoredPackageRow,
] as const;
