import { randomUUID } from 'node:crypto';
import { noTasks, type State } from '@stackyard/domain';
import { encodeGraph } from '@stackyard/planner';
import type { JobRow } from '../database/entities.ts';
import type { Transaction } from '../engine/ports.ts';
import { toJson } from '../engine/writer/statement.ts';
import { snapshotOf } from './clusterState.ts';
import type { Planned } from './planning.ts';
import { titleOf } from './title.ts';

/** A job that was just stored, as a reader would find it. */
export type NewJob = Omit<JobRow, 'graph' | 'snapshot'>;

/** Rendered texts by digest: the same text is kept once. */
const insertTexts = `insert into rendered_text (digest, content, created_at)
  select digest, content, ?::timestamptz from json_to_recordset(?::json) as r(digest text, content text)
  on conflict do nothing`;

/**
 * The job, its tasks and their first attempts by one statement, whatever their number. The job goes to the tail of the
 * queue: the cluster's row is locked, so positions grow in commit order within a cluster.
 */
const insertJob = `with new_job as (
    insert into job (id, cluster_id, position, command, title, request, state, cancel_requested, basis, graph, snapshot,
      task_count, counts, created_by, created_at, started_at, finished_at)
    select r.id, r."clusterId", (select coalesce(max(position), 0) + 1 from job), r.command, r.title, r.request, r.state,
      false, r.basis, decode(r.graph, 'base64'), r.snapshot, r."taskCount", r.counts, r."createdBy", r."createdAt",
      r."startedAt", r."finishedAt"
    from json_to_record(?::json) as r(id uuid, "clusterId" uuid, command text, title text, request jsonb, state text,
      basis int, graph text, snapshot jsonb, "taskCount" int, counts jsonb, "createdBy" text, "createdAt" timestamptz,
      "startedAt" timestamptz, "finishedAt" timestamptz)
    returning id, cluster_id, position
  ), new_tasks as (
    insert into task (id, job_id, node, cluster_id, host_id, host_component_id, service, component, phase, timeout_ms,
      idempotent, delete_data, state, attempts)
    select r.id, new_job.id, r.node, new_job.cluster_id, r."hostId", r."hostComponentId", r.service, r.component, r.phase,
      r."timeoutMs", r.idempotent, r."deleteData", 'PENDING', 1
    from new_job, json_to_recordset(?::json) as r(id uuid, node int, "hostId" uuid, "hostComponentId" uuid, service text,
      component text, phase text, "timeoutMs" int, idempotent boolean, "deleteData" boolean)
    returning id, job_id, host_id
  ), new_attempts as (
    insert into attempt (id, task_id, job_id, host_id, number, state, log_size)
    select id || '/1', id, job_id, host_id, 1, 'PENDING', 0 from new_tasks
  )
  select position from new_job`;

/** Stores the job that carries a plan out, in the transaction it is given. A job without tasks is SUCCESSFUL at once. */
export async function storeJob(
  tx: Transaction,
  planned: Planned,
  { basis, createdBy }: { basis: number; createdBy: string },
): Promise<NewJob> {
  const { plan, next } = planned;
  const files = await storeTexts(tx, planned);
  const now = new Date();
  const state: State = plan.tasks.length === 0 ? 'SUCCESSFUL' : 'PENDING';
  const job = {
    id: randomUUID(),
    clusterId: next.id,
    command: plan.request.command,
    title: titleOf(planned),
    request: plan.request,
    state,
    basis,
    taskCount: plan.tasks.length,
    counts: { ...noTasks, PENDING: plan.tasks.length },
    createdBy,
    createdAt: now,
    startedAt: state === 'PENDING' ? null : now,
    finishedAt: state === 'PENDING' ? null : now,
  };
  const tasks = plan.tasks.map(({ data, ...task }, node) => ({
    ...task,
    id: randomUUID(),
    node,
    deleteData: data === 'delete',
  }));
  const graph = Buffer.from(encodeGraph(plan.graph)).toString('base64');
  const [stored] = await tx.em.execute<{ position: string }[]>(insertJob, [
    toJson({ ...job, graph, snapshot: snapshotOf(planned, files) }),
    toJson(tasks),
  ]);
  tx.event('job', next.id, { kind: 'job', jobId: job.id, state, counts: job.counts, title: job.title });
  return { ...job, position: Number(stored?.position), reason: null, cancelRequested: false };
}

/** Digests of the rendered files by host component and path. */
async function storeTexts(tx: Transaction, { rendered }: Planned): Promise<Record<string, Record<string, string>>> {
  const texts = new Map([...rendered.values()].flat().map(({ digest, content }) => [digest, content]));
  if (texts.size > 0) {
    const rows = [...texts].map(([digest, content]) => ({ digest, content }));
    await tx.em.execute(insertTexts, [new Date(), toJson(rows)]);
  }
  return Object.fromEntries(
    [...rendered].map(([id, list]) => [id, Object.fromEntries(list.map(({ path, digest }) => [path, digest]))]),
  );
}
