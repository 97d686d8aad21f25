import { defineRoute, type Route } from '@stackyard/contract';
import { STATES, type State } from '@stackyard/domain';
import { z } from 'zod';
import { clusterIdOf } from '../../clusters/lookup.ts';
import { selectAttempts, selectJobs, selectTasks } from '../../jobs/rows.ts';
import { afterNumber, listQuery, page, pageOf } from '../cursor.ts';
import type { RouteParts } from './parts.ts';
import { AttemptView, attemptView, JobView, jobView, TaskView, taskView } from './views.ts';

const JobParams = z.strictObject({ job: z.string().max(36) });
const TaskParams = z.strictObject({ task: z.string().max(36) });
const StateFilter = z
  .string()
  .regex(new RegExp(`^(${STATES.join('|')})(,(${STATES.join('|')}))*$`), `use ${STATES.join(', ')}, comma-separated`)
  .transform((text) => text.split(',') as State[])
  .optional();
const Wait = z
  .string()
  .regex(/^([1-9]|[1-5][0-9]|60)s$/, 'use 1s to 60s')
  .transform((text) => Number(text.slice(0, -1)) * 1000)
  .optional()
  .describe('Answers when the job has ended, or after this long');

export function jobRoutes({ em, sql, engine, jobs, logs }: RouteParts): Route[] {
  const jobCluster = ({ params }: { params: { job: string } }) => jobs.clusterOf(params.job);
  const taskCluster = async ({ params }: { params: { task: string } }) => (await jobs.task(params.task)).clusterId;

  const listJobs = defineRoute({
    method: 'GET',
    url: '/jobs',
    operationId: 'listJobs',
    tag: 'jobs',
    summary: 'List jobs',
    description: 'Newest first, by place in the queue.',
    permission: { action: 'read', resource: 'job' },
    audit: 'none',
    query: z.strictObject({
      ...listQuery,
      cluster: z.string().max(100).optional().describe('Id or name'),
      state: StateFilter,
    }),
    answers: { 200: { description: 'A page of jobs', schema: pageOf(JobView, 'JobPage') } },
    problems: [404],
    handle: async ({ query }) => {
      const limit = query.limit ?? 50;
      const after = afterNumber(query.cursor);
      const clusterId = query.cluster === undefined ? undefined : await clusterIdOf(em(), query.cluster);
      const rows = await selectJobs(sql, { clusterId, states: query.state, before: after, limit: limit + 1 });
      return { body: page(rows, limit, ({ position }) => position, jobView) };
    },
  });

  const getJob = defineRoute({
    method: 'GET',
    url: '/jobs/:job',
    operationId: 'getJob',
    tag: 'jobs',
    summary: 'Read a job',
    description: 'With `wait`, answers when it has ended or the time is up, whichever comes first.',
    permission: { action: 'read', resource: 'job' },
    audit: 'none',
    clusterOf: jobCluster,
    params: JobParams,
    query: z.strictObject({ wait: Wait }),
    answers: { 200: { description: 'The job', schema: JobView } },
    problems: [404],
    handle: async ({ params, query, signal }) => ({
      body: jobView(
        query.wait === undefined ? await jobs.get(params.job) : await jobs.wait(params.job, query.wait, signal),
      ),
    }),
  });

  const cancelJob = defineRoute({
    method: 'POST',
    url: '/jobs/:job/cancel',
    operationId: 'cancelJob',
    tag: 'jobs',
    summary: 'Cancel a job',
    description:
      'Waiting tasks become CANCELED at once; running ones are ended by their agents, and the job ends when they have. A finished job stays as it is.',
    permission: { action: 'operate', resource: 'job' },
    audit: 'job.cancel',
    idempotent: true,
    clusterOf: jobCluster,
    params: JobParams,
    answers: { 202: { description: 'The job', schema: JobView } },
    problems: [404],
    handle: async ({ params }) => ({
      status: 202,
      headers: { location: `/api/v1/jobs/${params.job}` },
      body: jobView(await jobs.cancel(params.job)),
    }),
  });

  const resumeJob = defineRoute({
    method: 'POST',
    url: '/jobs/:job/resume',
    operationId: 'resumeJob',
    tag: 'jobs',
    summary: 'Go on after the first batch',
    description:
      'A job of host components that take turns, with `pauseAfterFirst`, waits after the first batch (`paused`) until it is resumed or canceled.',
    permission: { action: 'operate', resource: 'job' },
    audit: 'job.resume',
    idempotent: true,
    clusterOf: jobCluster,
    params: JobParams,
    answers: { 202: { description: 'The job', schema: JobView } },
    problems: [404, 409],
    handle: async ({ params }) => ({
      status: 202,
      headers: { location: `/api/v1/jobs/${params.job}` },
      body: jobView(await jobs.resume(params.job)),
    }),
  });

  const retryJob = defineRoute({
    method: 'POST',
    url: '/jobs/:job/retry',
    operationId: 'retryJob',
    tag: 'jobs',
    summary: 'Retry what did not succeed',
    description:
      'New attempts for FAILED and CANCELED tasks only, at the tail of the queue. Refused when layout or configs of the cluster changed since the job was made: plan the command again.',
    permission: { action: 'operate', resource: 'job' },
    audit: 'job.retry',
    idempotent: true,
    clusterOf: jobCluster,
    params: JobParams,
    answers: { 202: { description: 'The job', schema: JobView } },
    problems: [404, 409],
    handle: async ({ params }) => ({
      status: 202,
      headers: { location: `/api/v1/jobs/${params.job}` },
      body: jobView(await jobs.retry(params.job)),
    }),
  });

  const listTasks = defineRoute({
    method: 'GET',
    url: '/jobs/:job/tasks',
    operationId: 'listTasks',
    tag: 'tasks',
    summary: 'List the tasks of a job',
    description: 'In the order of the plan.',
    permission: { action: 'read', resource: 'job' },
    audit: 'none',
    clusterOf: jobCluster,
    params: JobParams,
    query: z.strictObject({ ...listQuery, state: StateFilter }),
    answers: { 200: { description: 'A page of tasks', schema: pageOf(TaskView, 'TaskPage') } },
    problems: [404],
    handle: async ({ params, query }) => {
      const limit = query.limit ?? 50;
      const after = afterNumber(query.cursor) ?? -1;
      const job = await jobs.get(params.job);
      const rows = await selectTasks(sql, { jobId: job.id, states: query.state, after, limit: limit + 1 });
      const hosts = await hostsOf(rows.map(({ hostId }) => hostId));
      return {
        body: page(
          rows,
          limit,
          ({ node }) => node,
          (row) => taskView(row, hosts(row.hostId)),
        ),
      };
    },
  });

  const getTask = defineRoute({
    method: 'GET',
    url: '/tasks/:task',
    operationId: 'getTask',
    tag: 'tasks',
    summary: 'Read a task',
    description: 'Its state is that of its latest attempt.',
    permission: { action: 'read', resource: 'job' },
    audit: 'none',
    clusterOf: taskCluster,
    params: TaskParams,
    answers: { 200: { description: 'The task', schema: TaskView } },
    problems: [404],
    handle: async ({ params }) => {
      const row = await jobs.task(params.task);
      return { body: taskView(row, (await hostsOf([row.hostId]))(row.hostId)) };
    },
  });

  const listAttempts = defineRoute({
    method: 'GET',
    url: '/tasks/:task/attempts',
    operationId: 'listAttempts',
    tag: 'tasks',
    summary: 'List the attempts of a task',
    description: 'Oldest first. A terminal attempt never changes.',
    permission: { action: 'read', resource: 'job' },
    audit: 'none',
    clusterOf: taskCluster,
    params: TaskParams,
    query: z.strictObject(listQuery),
    answers: { 200: { description: 'A page of attempts', schema: pageOf(AttemptView, 'AttemptPage') } },
    problems: [404],
    handle: async ({ params, query }) => {
      const limit = query.limit ?? 50;
      const after = afterNumber(query.cursor) ?? 0;
      const task = await jobs.task(params.task);
      const rows = await selectAttempts(sql, { taskId: task.id, after, limit: limit + 1 });
      return {
        body: page(
          rows,
          limit,
          ({ number }) => number,
          (row) => attemptView(row, logs.size(row.id)),
        ),
      };
    },
  });

  async function hostsOf(ids: readonly string[]) {
    const { rows } = await sql.query<{ id: string; name: string }>({
      name: 'host-names',
      text: 'select id, name from host where id = any($1::uuid[])',
      values: [[...new Set(ids)]],
    });
    const names = new Map(rows.map(({ id, name }) => [id, name]));
    return (id: string) => ({ name: names.get(id) ?? id, reachable: engine.reachable(id) });
  }

  return [listJobs, getJob, cancelJob, resumeJob, retryJob, listTasks, getTask, listAttempts];
}
