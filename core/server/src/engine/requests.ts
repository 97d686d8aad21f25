import { noTasks, type State } from '@stackyard/domain';
import { JobNotFoundError, JobNotPausedError, JobNotRetryableError } from './errors.ts';
import type { Events } from './ports.ts';

/**
 * Gives the FAILED and CANCELED tasks of a finished job new attempts and puts the job at the tail of its cluster's
 * queue. What succeeded stays.
 *
 * @returns the cluster. @throws JobNotFoundError, JobNotRetryableError
 */
export async function retryJob(events: Pick<Events, 'run'>, jobId: string): Promise<string> {
  return await events.run(async (tx) => {
    const jobs = await tx.em.execute<{ state: State; clusterId: string; title: string }[]>(
      'select state, cluster_id as "clusterId", title from job where id = ? for update',
      [jobId],
    );
    const [job] = jobs;
    if (!job) throw new JobNotFoundError({ jobId });
    if (job.state !== 'FAILED' && job.state !== 'CANCELED') throw new JobNotRetryableError({ jobId, state: job.state });
    await tx.em.execute(
      `with again as (
         update task set state = 'PENDING', reason = null, attempts = attempts + 1, started_at = null, finished_at = null
         where job_id = ? and state in ('FAILED', 'CANCELED') returning id, job_id, host_id, attempts)
       insert into attempt (id, task_id, job_id, host_id, number, state, log_size)
       select id || '/' || attempts, id, job_id, host_id, attempts, 'PENDING', 0 from again`,
      [jobId],
    );
    const rows = await tx.em.execute<{ state: State; count: string }[]>(
      'select state, count(*) as count from task where job_id = ? group by state',
      [jobId],
    );
    const counts = { ...noTasks, ...Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)])) };
    await tx.em.execute(
      `update job set state = 'PENDING', reason = null, cancel_requested = false, finished_at = null, started_at = null,
         pause = case when pause = 'PAUSED' then 'RESUMED' else pause end,
         counts = ?::jsonb, position = (select max(position) + 1 from job) where id = ?`,
      [JSON.stringify(counts), jobId],
    );
    tx.event('job', job.clusterId, { kind: 'job', jobId, state: 'PENDING', counts, title: job.title });
    return job.clusterId;
  });
}

/** Writes down that a job that waits after its first batch may go on. @returns the cluster. @throws JobNotPausedError */
export async function resumeJob(events: Pick<Events, 'run'>, jobId: string): Promise<string> {
  return await events.run(async ({ em }) => {
    const rows = await em.execute<{ clusterId: string }[]>(
      `update job set pause = 'RESUMED' where id = ? and pause = 'PAUSED' and state in ('PENDING', 'RUNNING')
       returning cluster_id as "clusterId"`,
      [jobId],
    );
    const [job] = rows;
    if (!job) throw new JobNotPausedError({ jobId });
    return job.clusterId;
  });
}

/** Writes down that a job is to end, also when no server is there to do it. Answers its cluster unless it has ended. */
export async function requestCancel(events: Pick<Events, 'run'>, jobId: string): Promise<string | undefined> {
  return await events.run(async ({ em }) => {
    const rows = await em.execute<{ clusterId: string }[]>(
      `update job set cancel_requested = true where id = ? and state in ('PENDING', 'RUNNING')
       returning cluster_id as "clusterId"`,
      [jobId],
    );
    return rows[0]?.clusterId;
  });
}
