import type { Leaving } from '@stackyard/domain';
import type { Audited } from '../access/audit.ts';
import type { KeptAnswer } from '../access/idempotencyStore.ts';
import type { JobRow } from '../database/entities.ts';
import type { Statement } from '../engine/ports.ts';
import { toJson } from '../engine/writer/json.ts';

/** The cluster a command is for, as it was planned; with `plan`, a stored plan that nobody has executed yet. */
export interface Basis {
  readonly id: string;
  readonly basis: number;
  readonly plan?: string | undefined;
}

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
  readonly answers?: readonly KeptAnswer[];
  readonly audit?: readonly (Audited & { readonly id: string; readonly at: Date })[];
}

/** Answer of a statement that stores a job. */
export type JobAnswer =
  | { readonly position: number; readonly ahead: string }
  /** Nothing of its cluster waits or runs before it. */
  | ({ readonly position: number; readonly ahead?: never } & Pick<JobRow, 'request' | 'snapshot'>);

const fields = {
  services: `id uuid, name text, "stackName" text, "stackVersion" text, "stackDigest" text, "configVersion" int,
    generated jsonb, "laidAside" jsonb, "nextOrdinals" jsonb, "createdAt" timestamptz`,
  configVersions: `id uuid, "serviceId" uuid, version int, "values" jsonb, overrides jsonb, "stackVersion" text, note text, "createdBy" text,
    "createdAt" timestamptz`,
  hostComponents: `id uuid, "serviceId" uuid, service text, component text, "hostId" uuid, ordinal int,
    "createdAt" timestamptz`,
  jobs: `id uuid, command text, title text, request jsonb, state text, basis int, graph text, snapshot jsonb, pause text,
    "taskCount" int, counts jsonb, "createdBy" text, "createdAt" timestamptz, "startedAt" timestamptz,
    "finishedAt" timestamptz`,
  tasks: `id uuid, node int, "hostId" uuid, "hostComponentId" uuid, service text, component text, phase text,
    "timeoutMs" int, idempotent boolean, "deleteData" boolean`,
  audit: `id uuid, at timestamptz, principal text, action text, resource text, "clusterId" uuid, "requestId" text,
    status int`,
};
const rows = (types: string): string => `json_to_recordset($N::json) as r(${types}), go`;

/** What writes each kind of row; `$N` is its one parameter, the rows as JSON. */
const parts: Readonly<Record<keyof StoredRows, string>> = {
  executed: `executed as (update stored_plan set job_id = r."jobId"
    from ${rows('id uuid, "jobId" uuid')} where stored_plan.id = r.id)`,
  revisions: `revised as (update cluster set revision = r.revision from ${rows('revision int')} where cluster.id = go.id)`,
  joiningHosts: `joined as (update host set cluster_id = go.id from ${rows('id uuid')} where host.id = r.id)`,
  addedServices: `added_services as (
    insert into service (id, cluster_id, name, stack_name, stack_version, stack_digest, config_version, generated,
      laid_aside, next_ordinals, created_at)
    select r.id, go.id, r.name, r."stackName", r."stackVersion", r."stackDigest", r."configVersion", r.generated,
      r."laidAside", r."nextOrdinals", r."createdAt" from ${rows(fields.services)})`,
  changedServices: `changed_services as (
    update service set stack_name = r."stackName", stack_version = r."stackVersion", stack_digest = r."stackDigest",
      config_version = r."configVersion", generated = r.generated, laid_aside = r."laidAside",
      next_ordinals = r."nextOrdinals"
    from ${rows(fields.services)} where service.id = r.id)`,
  removedServices: `removed_services as (delete from service using ${rows('id uuid')} where service.id = r.id),
  removed_versions as (delete from config_version using ${rows('id uuid')} where config_version.service_id = r.id)`,
  configVersions: `new_versions as (
    insert into config_version (id, service_id, version, "values", overrides, stack_version, note, created_by, created_at)
    select r.id, r."serviceId", r.version, r."values", r.overrides, r."stackVersion", r.note, r."createdBy", r."createdAt"
    from ${rows(fields.configVersions)})`,
  addedHostComponents: `added_host_components as (
    insert into host_component (id, cluster_id, service_id, service, component, host_id, ordinal, desired, observed,
      restarts, once, created_at)
    select r.id, go.id, r."serviceId", r.service, r.component, r."hostId", r.ordinal, 'ABSENT', 'UNKNOWN', 0, '[]',
      r."createdAt" from ${rows(fields.hostComponents)})`,
  removedHostComponents: `removed_host_components as (
    delete from host_component using ${rows('id uuid')} where host_component.id = r.id)`,
  leavingHostComponents: `leaving_host_components as (
    update host_component set leaving = r.leaving from ${rows('id uuid, leaving text')} where host_component.id = r.id)`,
  texts: `new_texts as (
    insert into rendered_text (digest, content, created_at)
    select r.digest, r.content, r."createdAt" from ${rows('digest text, content text, "createdAt" timestamptz')}
    on conflict do nothing)`,
  // At the tail of the queue: statements like this one run one at a time, so positions grow in the order of commits, and
  // what waits or runs before it is known. As stored, for keys come back in the order that the database gives them.
  jobs: `new_jobs as (
    insert into job (id, cluster_id, position, command, title, request, state, cancel_requested, basis, graph, snapshot,
      task_count, counts, created_by, created_at, started_at, finished_at)
    select r.id, go.id, (select coalesce(max(position), 0) + 1 from job), r.command, r.title, r.request, r.state, false,
      r.basis, decode(r.graph, 'base64'), r.snapshot, r."taskCount", r.counts, r."createdBy", r."createdAt",
      r."startedAt", r."finishedAt" from ${rows(fields.jobs)}
    returning id, position, request, snapshot, (
      select ahead.id from job as ahead where ahead.cluster_id = job.cluster_id and ahead.state in ('PENDING', 'RUNNING')
      order by ahead.position desc limit 1) as ahead)`,
  // Each with its first attempt.
  tasks: `new_tasks as (
    insert into task (id, job_id, node, cluster_id, host_id, host_component_id, service, component, phase, timeout_ms,
      idempotent, delete_data, state, attempts)
    select r.id, new_jobs.id, r.node, go.id, r."hostId", r."hostComponentId", r.service, r.component, r.phase,
      r."timeoutMs", r.idempotent, r."deleteData", 'PENDING', 1 from new_jobs, ${rows(fields.tasks)}
    returning id, job_id, host_id),
  new_attempts as (
    insert into attempt (id, task_id, job_id, host_id, number, state, log_size)
    select id || '/1', id, job_id, host_id, 1, 'PENDING', 0 from new_tasks)`,
  answers: `answered as (update idempotency_key set status = r.status, headers = r.headers, body = r.body
    from ${rows('principal text, key text, status int, headers jsonb, body jsonb')}
    where idempotency_key.principal = r.principal and idempotency_key.key = r.key)`,
  audit: `audited as (
    insert into audit_entry (id, at, principal, action, resource, cluster_id, request_id, status)
    select r.id, r.at, r.principal, r.action, r.resource, r."clusterId", r."requestId", r.status
    from ${rows(fields.audit)})`,
};

/** Nothing happens when the cluster has moved on, or when the plan was executed meanwhile. */
const goOfCluster = `go as (select cluster.id from cluster, fence, json_to_record($4::json) as r(id uuid, basis int)
  where cluster.id = r.id and cluster.revision = r.basis for update of cluster)`;
const goOfPlan = `go as (
  select cluster.id from cluster, stored_plan, fence, json_to_record($4::json) as r(id uuid, basis int, plan uuid)
  where cluster.id = r.id and cluster.revision = r.basis and stored_plan.id = r.plan and stored_plan.job_id is null
  for update of cluster, stored_plan)`;

/** What comes back of a job: all of it that is not known before, when it is the first of its cluster. */
const answerOfJob = `(select case when ahead is null
    then json_build_object('position', position, 'request', request, 'snapshot', snapshot)
    else json_build_object('position', position, 'ahead', ahead) end from new_jobs)`;

const order = Object.keys(parts) as (keyof StoredRows)[];
const texts = new Map<string, string>();

/** One statement with a part for each kind of row that there is, named after its parts. */
export function statementFor(basis: Basis, stored: StoredRows): Statement {
  const present = order.filter((part) => (stored[part]?.length ?? 0) > 0);
  const mask = present.reduce((bits, part) => bits | (1 << order.indexOf(part)), 0);
  const name = `command-${basis.plan === undefined ? 'cluster' : 'plan'}-${mask}`;
  let text = texts.get(name);
  if (text === undefined) {
    const go = basis.plan === undefined ? goOfCluster : goOfPlan;
    text = [go, ...present.map((part, index) => parts[part].replaceAll('$N', `$${index + 5}`))].join(',\n');
    texts.set(name, text);
  }
  return {
    name,
    text,
    values: [toJson(basis), ...present.map((part) => toJson(stored[part]))],
    answer: present.includes('jobs') ? answerOfJob : undefined,
  };
}
