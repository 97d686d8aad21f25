import type { State } from '@stackyard/domain';
import type { Pool } from 'pg';
import type { AttemptRow, JobRow, TaskRow } from '../database/entities.ts';
import { select } from '../database/select.ts';

/** A job's row without what only the engine reads. */
export type JobFields = Omit<JobRow, 'graph' | 'snapshot' | 'position'>;

export const jobColumns = `id, cluster_id as "clusterId", command, title, request, state, reason,
  cancel_requested as "cancelRequested", pause, basis, task_count as "taskCount", counts, created_by as "createdBy",
  created_at as "createdAt", started_at as "startedAt", finished_at as "finishedAt"`;
const taskColumns = `id, job_id as "jobId", node, cluster_id as "clusterId", host_id as "hostId",
  host_component_id as "hostComponentId", service, component, phase, timeout_ms as "timeoutMs", idempotent,
  delete_data as "deleteData", state, reason, attempts, started_at as "startedAt", finished_at as "finishedAt"`;
const attemptColumns = `id, task_id as "taskId", number, state, dispatch, reason, message, exit_code as "exitCode", signal,
  issued_at as "issuedAt", started_at as "startedAt", finished_at as "finishedAt", duration_ms as "durationMs", late, outputs`;

export interface JobFilter {
  readonly clusterId?: string | undefined;
  readonly states?: readonly State[] | undefined;
}

/** Newest first, those behind the position `before`. */
export function selectJobs(
  sql: Pool,
  { clusterId, states, before, limit }: JobFilter & { readonly before?: number | undefined; readonly limit: number },
): Promise<(JobFields & Pick<JobRow, 'position'>)[]> {
  return select(sql, {
    name: 'jobs',
    text: `select position, ${jobColumns} from job`,
    where: [
      ['cluster_id = $N', clusterId],
      ['state = any($N::text[])', states],
      ['position < $N', before],
    ],
    rest: 'order by position desc',
    limit,
  });
}

/** In the order of the plan, those behind the node `after`. */
export function selectTasks(
  sql: Pool,
  {
    jobId,
    states,
    after,
    limit,
  }: {
    readonly jobId: string;
    readonly states?: readonly State[] | undefined;
    readonly after: number;
    readonly limit: number;
  },
): Promise<TaskRow[]> {
  return select(sql, {
    name: 'tasks',
    text: `select ${taskColumns} from task`,
    where: [
      ['job_id = $N', jobId],
      ['node > $N', after],
      ['state = any($N::text[])', states],
    ],
    rest: 'order by node',
    limit,
  });
}

export async function readTask(sql: Pool, id: string): Promise<TaskRow | undefined> {
  const text = `select ${taskColumns} from task`;
  const [row] = await select<TaskRow>(sql, { name: 'task', text, where: [['id = $N', id]], limit: 1 });
  return row;
}

/** What is shown of an attempt. */
export type AttemptFields = Pick<
  AttemptRow,
  | 'id'
  | 'taskId'
  | 'number'
  | 'state'
  | 'dispatch'
  | 'reason'
  | 'message'
  | 'exitCode'
  | 'signal'
  | 'issuedAt'
  | 'startedAt'
  | 'finishedAt'
  | 'durationMs'
  | 'late'
  | 'outputs'
>;

/** Oldest first, those behind the number `after`. */
export function selectAttempts(
  sql: Pool,
  { taskId, after, limit }: { readonly taskId: string; readonly after: number; readonly limit: number },
): Promise<AttemptFields[]> {
  return select(sql, {
    name: 'attempts',
    text: `select ${attemptColumns} from attempt`,
    where: [
      ['task_id = $N', taskId],
      ['number > $N', after],
    ],
    rest: 'order by number',
    limit,
  });
}
