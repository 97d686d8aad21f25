import type { Leaving } from '@stackyard/domain';
import type { Audited } from '../access/audit.ts';
import type { KeptAnswer } from '../access/idempotencyStore.ts';
import { type Column, inColumns, inRecords, type Rows } from '../engine/writer/rows.ts';

/** Everything a command stores, as rows by kind. All of it is there afterwards, or nothing. */
export interface StoredRows {
  readonly executed?: readonly { readonly id: string; readonly jobId: string }[];
  readonly revisions?: readonly { readonly revision: number }[];
  readonly joiningHosts?: readonly { readonly id: string }[];
  readonly addedServices?: readonly object[];
  readonly changedServices?: readonly object[];
  readonly removedServices?: readonly { readonly id: string }[];
  readonly configVersions?: readonly object[];
  readonly addedHostComponents?: readonly object[];
  readonly removedHostComponents?: readonly { readonly id: string }[];
  readonly leavingHostComponents?: readonly { readonly id: string; readonly leaving: Leaving | null }[];
  /** Rendered texts by digest: the same text is kept once. */
  readonly texts?: readonly { readonly digest: string; readonly content: string; readonly createdAt: Date }[];
  readonly jobs?: readonly object[];
  readonly tasks?: readonly object[];
  /** Tasks that are issued unless something of their cluster is before their job. */
  readonly firstTasks?: readonly object[];
  readonly answers?: readonly KeptAnswer[];
  readonly audit?: readonly (Audited & { readonly id: string; readonly at: Date })[];
}

const service = `id uuid, name text, "stackName" text, "stackVersion" text, "stackDigest" text, "configVersion" int,
  generated jsonb, "laidAside" jsonb, "nextOrdinals" jsonb, "createdAt" timestamptz`;

const task = {
  id: 'uuid',
  node: 'int',
  hostId: 'uuid',
  hostComponentId: 'uuid',
  service: 'text',
  component: 'text',
  phase: 'text',
  timeoutMs: 'int',
  idempotent: 'boolean',
  deleteData: 'boolean',
} as const;

/** How the rows of each kind reach the database: in columns where they are as many as the cluster is large, or long. */
export const carried: Readonly<Record<keyof StoredRows, Rows>> = {
  executed: inRecords('id uuid, "jobId" uuid'),
  revisions: inRecords('revision int'),
  joiningHosts: inRecords('id uuid'),
  addedServices: inRecords(service),
  changedServices: inRecords(service),
  removedServices: inRecords('id uuid'),
  configVersions:
    inRecords(`id uuid, "serviceId" uuid, version int, "values" jsonb, overrides jsonb, "stackVersion" text,
    note text, "createdBy" text, "createdAt" timestamptz`),
  addedHostComponents: columnsOf({
    id: 'uuid',
    serviceId: 'uuid',
    service: 'text',
    component: 'text',
    hostId: 'uuid',
    ordinal: 'int',
    createdAt: 'timestamptz',
  }),
  removedHostComponents: inRecords('id uuid'),
  leavingHostComponents: inRecords('id uuid, leaving text'),
  texts: columnsOf({ digest: 'text', content: 'text', createdAt: 'timestamptz' }),
  jobs: columnsOf({
    id: 'uuid',
    command: 'text',
    title: 'text',
    request: 'jsonb',
    state: 'text',
    basis: 'int',
    graph: 'text',
    snapshot: 'text',
    pause: 'text',
    taskCount: 'int',
    counts: 'jsonb',
    issued: 'int',
    issuedAt: 'timestamptz',
    issuedCounts: 'jsonb',
    createdBy: 'text',
    createdAt: 'timestamptz',
    startedAt: 'timestamptz',
    finishedAt: 'timestamptz',
  }),
  tasks: columnsOf(task),
  firstTasks: columnsOf({
    ...task,
    envelopeHash: 'text',
    epoch: 'bigint',
    sessionNo: 'bigint',
    journalId: 'uuid',
    issuedAt: 'timestamptz',
  }),
  answers: inRecords('principal text, key text, status int, headers jsonb, body jsonb'),
  audit: inRecords(`id uuid, at timestamptz, principal text, action text, resource text, "clusterId" uuid,
    "requestId" text, status int`),
};

function columnsOf(types: Readonly<Record<string, Column[2]>>): Rows {
  return inColumns(Object.entries(types).map(([name, type]) => [name, name, type]));
}
