import type { JobRow } from '../database/entities.ts';
import type { Statement } from '../engine/ports.ts';
import { toJson } from '../engine/writer/json.ts';
import { carried, type StoredRows } from './storedRows.ts';

/** The cluster a command is for, as it was planned; with `plan`, a stored plan that nobody has executed yet. */
export interface Basis {
  readonly id: string;
  readonly basis: number;
  readonly plan?: string | undefined;
}

/** Answer of a statement that stores a job. */
export type JobAnswer =
  | { readonly position: number; readonly ahead: string }
  /** Nothing of its cluster waits or runs before it. */
  | ({ readonly position: number; readonly ahead?: never } & Pick<JobRow, 'request'>);

/** What is done with the rows of each kind; `from` is what they are selected from, `r`. */
const parts: Readonly<Record<keyof StoredRows, (from: string) => string>> = {
  executed: (from) =>
    `executed as (update stored_plan set job_id = r."jobId" from ${from} where stored_plan.id = r.id)`,
  revisions: (from) => `revised as (update cluster set revision = r.revision from ${from} where cluster.id = go.id)`,
  joiningHosts: (from) => `joined as (update host set cluster_id = go.id from ${from} where host.id = r.id)`,
  addedServices: (from) => `added_services as (
    insert into service (id, cluster_id, name, stack_name, stack_version, stack_digest, config_version, generated,
      laid_aside, next_ordinals, created_at)
    select r.id, go.id, r.name, r."stackName", r."stackVersion", r."stackDigest", r."configVersion", r.generated,
      r."laidAside", r."nextOrdinals", r."createdAt" from ${from})`,
  changedServices: (from) => `changed_services as (
    update service set stack_name = r."stackName", stack_version = r."stackVersion", stack_digest = r."stackDigest",
      config_version = r."configVersion", generated = r.generated, laid_aside = r."laidAside",
      next_ordinals = r."nextOrdinals"
    from ${from} where service.id = r.id)`,
  removedServices: (from) => `removed_services as (delete from service using ${from} where service.id = r.id),
  removed_versions as (delete from config_version using ${from} where config_version.service_id = r.id)`,
  configVersions: (from) => `new_versions as (
    insert into config_version (id, service_id, version, "values", overrides, stack_version, note, created_by, created_at)
    select r.id, r."serviceId", r.version, r."values", r.overrides, r."stackVersion", r.note, r."createdBy", r."createdAt"
    from ${from})`,
  addedHostComponents: (from) => `added_host_components as (
    insert into host_component (id, cluster_id, service_id, service, component, host_id, ordinal, desired, observed,
      restarts, once, created_at)
    select r.id, go.id, r."serviceId", r.service, r.component, r."hostId", r.ordinal, 'ABSENT', 'UNKNOWN', 0, '[]',
      r."createdAt" from ${from})`,
  removedHostComponents: (from) => `removed_host_components as (
    delete from host_component using ${from} where host_component.id = r.id)`,
  leavingHostComponents: (from) => `leaving_host_components as (
    update host_component set leaving = r.leaving from ${from} where host_component.id = r.id)`,
  texts: (from) => `new_texts as (
    insert into rendered_text (digest, content, created_at)
    select r.digest, r.content, r."createdAt" from ${from} on conflict do nothing)`,
  // At the tail of the queue: statements like this one run one at a time, so positions grow in the order of commits, and
  // what waits or runs before it is known.
  jobs: (from) => `queue as (
    select (select job.id from job where job.cluster_id = go.id and job.state in ('PENDING', 'RUNNING')
      order by job.position desc limit 1) as ahead from go),
  new_jobs as (
    insert into job (id, cluster_id, position, command, title, request, state, cancel_requested, basis, graph, snapshot,
      pause, task_count, counts, created_by, created_at, started_at, finished_at)
    select r.id, go.id, (select coalesce(max(position), 0) + 1 from job), r.command, r.title, r.request,
      case when begins then 'RUNNING' else r.state end, false, r.basis, decode(r.graph, 'base64'), r.snapshot::json,
      r.pause, r."taskCount", case when begins then r."issuedCounts" else r.counts end, r."createdBy", r."createdAt",
      case when begins then r."issuedAt" else r."startedAt" end, r."finishedAt"
    from ${from}, queue, lateral (select ahead is null and r.issued > 0 as begins) as fate
    returning id, position, request, (select ahead from queue) as ahead)`,
  // Each with its first attempt.
  tasks: (from) => `new_tasks as (
    insert into task (id, job_id, node, cluster_id, host_id, host_component_id, service, component, phase, timeout_ms,
      idempotent, delete_data, state, attempts)
    select r.id, new_jobs.id, r.node, go.id, r."hostId", r."hostComponentId", r.service, r.component, r.phase,
      r."timeoutMs", r.idempotent, r."deleteData", 'PENDING', 1 from new_jobs, ${from}
    returning id, job_id, host_id),
  new_attempts as (
    insert into attempt (id, task_id, job_id, host_id, number, state, log_size)
    select id || '/1', id, job_id, host_id, 1, 'PENDING', 0 from new_tasks)`,
  // As those, and issued when nothing of their cluster is before their job.
  firstTasks: (from) => `first_tasks as (
    insert into task (id, job_id, node, cluster_id, host_id, host_component_id, service, component, phase, timeout_ms,
      idempotent, delete_data, state, attempts, started_at)
    select r.id, new_jobs.id, r.node, go.id, r."hostId", r."hostComponentId", r.service, r.component, r.phase,
      r."timeoutMs", r.idempotent, r."deleteData", case when ahead is null then 'RUNNING' else 'PENDING' end, 1,
      case when ahead is null then r."issuedAt" end from new_jobs, ${from}),
  first_attempts as (
    insert into attempt (id, task_id, job_id, host_id, number, log_size, state, dispatch, envelope_hash, epoch,
      session_no, journal_id, issued_at)
    select r.id || '/1', r.id, new_jobs.id, r."hostId", 1, 0, case when ahead is null then 'RUNNING' else 'PENDING' end,
      case when ahead is null then 'SENT' end, case when ahead is null then r."envelopeHash" end,
      case when ahead is null then r.epoch end, case when ahead is null then r."sessionNo" end,
      case when ahead is null then r."journalId" end, case when ahead is null then r."issuedAt" end
    from new_jobs, ${from})`,
  answers: (from) => `answered as (update idempotency_key set status = r.status, headers = r.headers, body = r.body
    from ${from} where idempotency_key.principal = r.principal and idempotency_key.key = r.key)`,
  audit: (from) => `audited as (
    insert into audit_entry (id, at, principal, action, resource, cluster_id, request_id, status)
    select r.id, r.at, r.principal, r.action, r.resource, r."clusterId", r."requestId", r.status from ${from})`,
};

/** Nothing happens when the cluster has moved on, or when the plan was executed meanwhile. */
const goOfCluster = `go as (select cluster.id from cluster, fence, json_to_record($4::json) as r(id uuid, basis int)
  where cluster.id = r.id and cluster.revision = r.basis for update of cluster)`;
const goOfPlan = `go as (
  select cluster.id from cluster, stored_plan, fence, json_to_record($4::json) as r(id uuid, basis int, plan uuid)
  where cluster.id = r.id and cluster.revision = r.basis and stored_plan.id = r.plan and stored_plan.job_id is null
  for update of cluster, stored_plan)`;

/**
 * What comes back of a job: what is not known before. Its request as it is stored, when it is the first of its cluster:
 * keys come back in the order that the database gives them.
 */
const answerOfJob = `(select case when ahead is null
    then json_build_object('position', position, 'request', request)
    else json_build_object('position', position, 'ahead', ahead) end from new_jobs)`;

/** The parameters before those of the parts: epoch, commit number, events, basis. */
const OWN = 4;
const order = Object.keys(parts) as (keyof StoredRows)[];
const texts = new Map<string, string>();

/** One statement with a part for each kind of row that there is, named after its parts. */
export function statementFor(basis: Basis, stored: StoredRows): Statement {
  const present = order.filter((part) => (stored[part]?.length ?? 0) > 0);
  const mask = present.reduce((bits, part) => bits | (1 << order.indexOf(part)), 0);
  const name = `command-${basis.plan === undefined ? 'cluster' : 'plan'}-${mask}`;
  let text = texts.get(name);
  if (text === undefined) {
    text = [basis.plan === undefined ? goOfCluster : goOfPlan, ...composed(present)].join(',\n');
    texts.set(name, text);
  }
  return {
    name,
    text,
    values: [toJson(basis), ...present.flatMap((part) => carried[part].values(stored[part] ?? []))],
    answer: present.includes('jobs') ? answerOfJob : undefined,
  };
}

function composed(present: readonly (keyof StoredRows)[]): string[] {
  let parameter = OWN + 1;
  return present.map((part) => {
    const text = parts[part](`${carried[part].from(parameter)}, go`);
    parameter += carried[part].width;
    return text;
  });
}
