import { readableValues } from '../../secrets/views.ts';
import { isTerminal, PHASES, STATES } from '@stackyard/domain';
import { z } from 'zod';
import {
  type AttemptRow,
  type Basis,
  type ClusterRow,
  type ConfigVersionRow,
  type HostRow,
  ORIGINS,
  type StackRow,
  type TaskRow,
} from '../../database/entities.ts';
import type { KeyState } from '@stackyard/sdk/artifact';
import type { AttemptFields, JobFields } from '../../jobs/rows.ts';

/** What the API shows of each resource: an allow-list, so that a new column is never shown by accident. */
const at = z.string().describe('RFC 3339, UTC');
const atOrNull = at.nullable();
const iso = (date: Date | null | undefined): string | null => date?.toISOString() ?? null;

/** How a stack is trusted now. */
const TRUST_MARKS = [
  'signed',
  'signed-by-retired-key',
  'signed-by-revoked-key',
  'allow-listed',
  'configuration',
  'unsigned',
] as const;

export const StateView = z.enum(STATES);
const Counts = z.object({
  PENDING: z.int(),
  RUNNING: z.int(),
  SUCCESSFUL: z.int(),
  FAILED: z.int(),
  CANCELED: z.int(),
});

export const StackView = z
  .object({
    id: z.string(),
    name: z.string(),
    version: z.string(),
    title: z.string(),
    digest: z.string(),
    origin: z.enum(ORIGINS).describe('configuration: the one that this server was started with'),
    source: z.string().nullable().describe("The origin's own words, such as the URL of a registry"),
    trust: z
      .enum(TRUST_MARKS)
      .describe(
        'Why it is let in: signed; signed-by-retired-key; signed-by-revoked-key, which is not let in any more; allow-listed; configuration; unsigned',
      ),
    publisher: z.string().nullable(),
    keyId: z.string().nullable(),
    installedBy: z.string(),
    installedAt: at,
    services: z.array(
      z.object({
        name: z.string(),
        title: z.string(),
        version: z.string(),
        components: z.array(
          z.object({
            name: z.string(),
            title: z.string(),
            category: z.enum(['server', 'client']),
            cardinality: z.string(),
          }),
        ),
        profiles: z.array(z.object({ name: z.string(), help: z.string() })).describe('Sizes to take it by'),
      }),
    ),
  })
  .meta({ id: 'Stack' });

const SIGNED_MARKS = {
  active: 'signed',
  retired: 'signed-by-retired-key',
  revoked: 'signed-by-revoked-key',
} as const;
const UNSIGNED_MARKS = {
  signature: 'unsigned',
  'allow-list': 'allow-listed',
  configuration: 'configuration',
  any: 'unsigned',
} as const;

function trustMark({ keyId, basis }: StackRow, keyStates: ReadonlyMap<string, KeyState>) {
  const state = keyId ? keyStates.get(keyId) : undefined;
  return state ? SIGNED_MARKS[state] : UNSIGNED_MARKS[basis as Basis];
}

/** @param keyStates states of the keys that are known, by key id */
export function stackView(row: StackRow, keyStates: ReadonlyMap<string, KeyState>): z.infer<typeof StackView> {
  const { id, name, version, digest, manifest, origin, source, publisher, keyId, installedBy } = row;
  return {
    id,
    name,
    version,
    title: manifest.title,
    digest,
    origin,
    source: source ?? null,
    trust: trustMark(row, keyStates),
    publisher: publisher ?? null,
    keyId: keyId ?? null,
    installedBy,
    installedAt: row.installedAt.toISOString(),
    services: manifest.services.map((service) => ({
      name: service.name,
      title: service.title,
      version: service.version,
      components: service.components.map(({ name: component, title, category, cardinality }) => ({
        name: component,
        title,
        category,
        cardinality,
      })),
      profiles: (service.profiles ?? []).map(({ name: profile, help }) => ({ name: profile, help })),
    })),
  };
}

export const ClusterView = z
  .object({ id: z.string(), name: z.string(), title: z.string().nullable(), revision: z.int(), createdAt: at })
  .meta({ id: 'Cluster' });

export function clusterView({ id, name, title, revision, createdAt }: ClusterRow): z.infer<typeof ClusterView> {
  return { id, name, title: title ?? null, revision, createdAt: createdAt.toISOString() };
}

export const HostView = z
  .object({
    id: z.string(),
    name: z.string(),
    clusterId: z.string().nullable(),
    address: z.string(),
    root: z.string(),
    local: z.boolean().describe('Several agents share its machine'),
    reachable: z.boolean().describe("The agent's lease is live"),
    lastSeenAt: atOrNull,
    joinedAt: at,
    agentVersion: z.string().nullable(),
    facts: z
      .object({
        hostname: z.string(),
        os: z.string(),
        kernel: z.string(),
        arch: z.string(),
        cpus: z.int(),
        memory: z.int().describe('Bytes'),
        disk: z.int().describe('Bytes'),
        java: z.array(z.object({ home: z.string(), version: z.string() })),
      })
      .nullable(),
  })
  .meta({ id: 'Host' });

export function hostView(row: HostRow, reachable: boolean): z.infer<typeof HostView> {
  const { facts } = row;
  return {
    id: row.id,
    name: row.name,
    clusterId: row.clusterId ?? null,
    address: row.address,
    root: row.root,
    local: row.local,
    reachable,
    lastSeenAt: iso(row.lastSeenAt),
    joinedAt: row.joinedAt.toISOString(),
    agentVersion: row.agentVersion ?? null,
    facts: facts
      ? {
          hostname: facts.hostname,
          os: facts.os,
          kernel: facts.kernel,
          arch: facts.arch,
          cpus: facts.cpus,
          memory: facts.memory,
          disk: facts.disk,
          java: facts.java.map(({ home, version }) => ({ home, version })),
        }
      : null,
  };
}

export const JobView = z
  .object({
    id: z.string(),
    clusterId: z.string(),
    command: z.string(),
    title: z.string(),
    state: StateView,
    reason: z.string().nullable(),
    cancelRequested: z.boolean(),
    paused: z.boolean().describe('It waits after the first batch of those that take turns, until it is resumed'),
    tasks: z.int(),
    counts: Counts.describe('Tasks by state'),
    createdBy: z.string(),
    createdAt: at,
    startedAt: atOrNull,
    finishedAt: atOrNull,
  })
  .meta({ id: 'Job' });

export function jobView(row: JobFields): z.infer<typeof JobView> {
  return {
    id: row.id,
    clusterId: row.clusterId,
    command: row.command,
    title: row.title,
    state: row.state,
    reason: row.reason ?? null,
    cancelRequested: row.cancelRequested,
    paused: row.pause === 'PAUSED' && !isTerminal(row.state),
    tasks: row.taskCount,
    counts: row.counts,
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    startedAt: iso(row.startedAt),
    finishedAt: iso(row.finishedAt),
  };
}

export const TaskView = z
  .object({
    id: z.string(),
    jobId: z.string(),
    index: z.int().describe('Its node in the plan'),
    host: z.string(),
    service: z.string(),
    component: z.string(),
    phase: z.enum(PHASES),
    state: StateView,
    reason: z.string().nullable(),
    stale: z.boolean().describe('It runs as far as is known, but its host is out of reach'),
    attempts: z.int(),
    startedAt: atOrNull,
    finishedAt: atOrNull,
  })
  .meta({ id: 'Task' });

export function taskView(
  row: TaskRow,
  { name: host, reachable }: { readonly name: string; readonly reachable: boolean },
): z.infer<typeof TaskView> {
  return {
    id: row.id,
    jobId: row.jobId,
    index: row.node,
    host,
    service: row.service,
    component: row.component,
    phase: row.phase,
    state: row.state,
    reason: row.reason ?? null,
    stale: row.state === 'RUNNING' && !reachable,
    attempts: row.attempts,
    startedAt: iso(row.startedAt),
    finishedAt: iso(row.finishedAt),
  };
}

/** Any JSON value. z.json() is recursive, for which zod's description has a reference that other tools cannot resolve. */
export const Json = z.unknown() as z.ZodType as z.ZodType<z.core.util.JSONType>;

export const AttemptView = z
  .object({
    number: z.int(),
    taskId: z.string(),
    state: StateView,
    dispatch: z.string().nullable().describe('How far an issued attempt has come: SENT, ACCEPTED or STARTED'),
    reason: z.string().nullable(),
    message: z.string().nullable(),
    exitCode: z.int().nullable(),
    signal: z.string().nullable(),
    logSize: z.int().describe('Bytes of output on the server'),
    issuedAt: atOrNull,
    startedAt: atOrNull,
    finishedAt: atOrNull,
    durationMs: z.int().nullable(),
    result: Json.describe('What an action gave back; null for other phases'),
    resultNote: z.string().nullable().describe('Why a result is not here'),
    late: z
      .object({ reason: z.string().nullable(), message: z.string().nullable(), exitCode: z.int().nullable(), at })
      .nullable()
      .describe('What its agent reported after it had been given up; it changes nothing'),
  })
  .meta({ id: 'Attempt' });

export function attemptView(row: AttemptFields, logSize: number): z.infer<typeof AttemptView> {
  return {
    number: row.number,
    taskId: row.taskId,
    state: row.state,
    dispatch: row.dispatch ?? null,
    reason: row.reason ?? null,
    message: row.message ?? null,
    exitCode: row.exitCode ?? null,
    signal: row.signal ?? null,
    logSize,
    issuedAt: iso(row.issuedAt),
    startedAt: iso(row.startedAt),
    finishedAt: iso(row.finishedAt),
    durationMs: row.durationMs ?? null,
    result: resultOf(row.outputs?.['result']),
    resultNote: row.outputs?.['resultNote'] ?? null,
    late: lateView(row.late),
  };
}

/** The agent says that it is JSON; agents are not trusted. */
function resultOf(text: string | undefined): z.infer<typeof Json> {
  if (text === undefined) return null;
  try {
    return JSON.parse(text) as z.infer<typeof Json>;
  } catch {
    return null;
  }
}

function lateView(late: AttemptRow['late']): z.infer<typeof AttemptView>['late'] {
  if (!late) return null;
  const { reason, message, exitCode, at: reportedAt } = late;
  return { reason: reason ?? null, message: message ?? null, exitCode: exitCode ?? null, at: reportedAt };
}

/** Values by config and property; JSON values. */
export const Values = z.record(z.string().max(100), z.record(z.string().max(100), Json));

export const ConfigVersionView = z
  .object({
    version: z.int(),
    values: Values.describe(
      'What was set; defaults are not stored. A secret is {"secret": true, "set": true, "fingerprint": …}: sent back it stays what it is',
    ),
    overrides: z.record(z.string(), Values).describe('By host name'),
    stackVersion: z.string().nullable().describe('The version of the stack whose properties these are values of'),
    note: z.string().nullable(),
    createdBy: z.string(),
    createdAt: at,
  })
  .meta({ id: 'ConfigVersion' });

export function configVersionView(
  row: ConfigVersionRow,
  hostName: (id: string) => string,
): z.infer<typeof ConfigVersionView> {
  return {
    version: row.version,
    values: readableValues(row.values) as z.infer<typeof Values>,
    overrides: Object.fromEntries(
      Object.entries(row.overrides).map(([id, values]) => [
        hostName(id),
        readableValues(values) as z.infer<typeof Values>,
      ]),
    ),
    stackVersion: row.stackVersion ?? null,
    note: row.note ?? null,
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
  };
}
