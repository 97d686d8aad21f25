import type { Pool } from 'pg';
import { isUuid } from '../clusters/lookup.ts';
import type { JobRow } from '../database/entities.ts';

/** A job's row without what only the engine reads. */
export type JobFields = Omit<JobRow, 'graph' | 'snapshot' | 'position'>;

const columns = `id, cluster_id as "clusterId", command, title, request, state, reason,
  cancel_requested as "cancelRequested", basis, task_count as "taskCount", counts, created_by as "createdBy",
  created_at as "createdAt", started_at as "startedAt", finished_at as "finishedAt"`;

/** A plain row: what waits for a job looks at it after every commit, and a managed one costs ten times as much. */
export async function readJob(sql: Pool, id: string): Promise<JobFields | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await sql.query<JobFields>({
    name: 'job-by-id',
    text: `select ${columns} from job where id = $1`,
    values: [id],
  });
  return rows[0];
}
