import { isTerminal, type Pause } from '@stackyard/domain';
import type { Pool } from 'pg';
import type { AttemptRow, JobRow, TaskRow } from '../database/entities.ts';
import { type LoadedJob, loadedJob } from './core/job.ts';
import { isUncertain } from './scheduler/step.ts';
import type { KnownAttempt } from './sessions/state.ts';

const jobColumns = `id, cluster_id as "clusterId", position, command, title, request, state, reason,
  cancel_requested as "cancelRequested", pause, basis, graph, snapshot, task_count as "taskCount", counts,
  created_by as "createdBy", created_at as "createdAt", started_at as "startedAt", finished_at as "finishedAt"`;
const taskColumns = `id, job_id as "jobId", node, cluster_id as "clusterId", host_id as "hostId",
  host_component_id as "hostComponentId", service, component, phase, timeout_ms as "timeoutMs", idempotent,
  delete_data as "deleteData", state, reason, attempts, started_at as "startedAt", finished_at as "finishedAt"`;
const attemptColumns = `id, task_id as "taskId", job_id as "jobId", host_id as "hostId", number, state, dispatch, reason,
  message, envelope_hash as "envelopeHash", epoch, session_no as "sessionNo", journal_id as "journalId",
  exit_code as "exitCode", signal, outputs, log_size as "logSize", issued_at as "issuedAt",
  started_at as "startedAt", finished_at as "finishedAt", duration_ms as "durationMs"`;

/** A job with everything the engine needs of it; undefined when it is gone or terminal. */
export async function loadJob(sql: Pool, jobId: string): Promise<LoadedJob | undefined> {
  const [jobs, tasks, attempts] = await Promise.all([
    sql.query<JobRow>({ name: 'job', text: `select ${jobColumns} from job where id = $1`, values: [jobId] }),
    sql.query<TaskRow>({
      name: 'job-tasks',
      text: `select ${taskColumns} from task where job_id = $1 order by node`,
      values: [jobId],
    }),
    sql.query<AttemptRow>({
      name: 'job-attempts',
      // One that is PENDING says nothing that its task does not.
      text: `select ${attemptColumns} from attempt where job_id = $1 and state <> 'PENDING'`,
      values: [jobId],
    }),
  ]);
  const [row] = jobs.rows;
  return !row || isTerminal(row.state) ? undefined : loadedJob(row, tasks.rows, attempts.rows);
}

export interface WaitingJob {
  readonly id: string;
  readonly clusterId: string;
  readonly position: number;
  readonly cancelRequested: boolean;
  readonly pause: Pause | null;
}

/** Jobs that are not terminal, oldest first: of one cluster, or of all. */
export async function waitingJobs(sql: Pool, clusterId?: string): Promise<WaitingJob[]> {
  const { rows } = await sql.query<WaitingJob>({
    name: clusterId === undefined ? 'waiting-jobs' : 'waiting-jobs-of-cluster',
    text: `select id, cluster_id as "clusterId", position, cancel_requested as "cancelRequested", pause from job
           where state in ('PENDING', 'RUNNING') ${clusterId === undefined ? '' : 'and cluster_id = $1'} order by position`,
    values: clusterId === undefined ? [] : [clusterId],
  });
  return rows;
}

/** What the database says of attempts that were issued to a host and are not in memory. */
export async function knownAttempts(
  sql: Pool,
  hostId: string,
  ids: readonly string[],
): Promise<Map<string, KnownAttempt>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql.query<Pick<AttemptRow, 'id' | 'state' | 'reason' | 'jobId'>>({
    name: 'known-attempts',
    text: 'select id, state, reason, job_id as "jobId" from attempt where host_id = $1 and id = any($2::text[])',
    values: [hostId, ids],
  });
  return new Map(
    rows.map(({ id, state, reason, jobId }) => [
      id,
      { row: state === 'PENDING' ? 'PENDING' : isUncertain(reason) ? 'GIVEN_UP' : 'ENDED', jobId },
    ]),
  );
}

export interface HostRecord {
  readonly id: string;
  readonly name: string;
  readonly clusterId: string | undefined;
  readonly sessionNo: number;
  readonly journalId: string | undefined;
  readonly hostBootId: string | undefined;
  readonly connected: boolean;
}

/** What the sessions start from: one host, or all. */
export async function hostRecords(sql: Pool, hostId?: string): Promise<HostRecord[]> {
  const { rows } = await sql.query<HostRecord>(
    `select id, name, cluster_id as "clusterId", session_no as "sessionNo", journal_id as "journalId",
       host_boot_id as "hostBootId", connected from host ${hostId === undefined ? '' : 'where id = $1'}`,
    hostId === undefined ? [] : [hostId],
  );
  return rows.map((row) => ({
    ...row,
    clusterId: row.clusterId ?? undefined,
    journalId: row.journalId ?? undefined,
    hostBootId: row.hostBootId ?? undefined,
  }));
}
