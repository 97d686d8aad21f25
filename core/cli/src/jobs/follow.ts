import { type Api, allOf, answerOf } from '../api/client.ts';
import { streamOf } from '../api/events.ts';
import type { Job } from '../api/types.ts';
import {
  afterEvent,
  isJobTerminal,
  type PackageEvent,
  type TaskEvent,
  type TaskPicture,
  taskPicture,
} from './picture.ts';

const PAUSED = 'The first batch is done, and the job waits for you: look whether all is well.';

/** Is told what happens to a job, in order. */
export interface JobListener {
  /** Once, before anything else, with every task as it stands. */
  opened(job: Job, tasks: readonly TaskPicture[]): void;
  changed(task: TaskPicture): void;
  packageMoved(event: PackageEvent): void;
  /** The connection broke off, or is back. */
  noticed(sentence: string): void;
  closed(): void;
}

/**
 * Follows a job to its end; a connection that breaks off is resumed.
 *
 * @returns the job as it ended and its tasks; undefined when `signal` came first.
 */
export async function followJob(
  api: Api,
  jobId: string,
  listener: JobListener,
  signal?: AbortSignal,
): Promise<{ job: Job; tasks: readonly TaskPicture[] } | undefined> {
  const tasks = new Map<string, TaskPicture>();
  let opened = false;
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;

  /** Reads all anew: at the start and after each break, so that not even a pruned stream leaves a gap. */
  async function look(): Promise<Job> {
    const job = await readJob(api, jobId);
    const now = (await readTasks(api, jobId)).map(taskPicture);
    const changed = now.filter((task) => differs(tasks.get(task.id), task));
    for (const task of now) tasks.set(task.id, { ...task, message: tasks.get(task.id)?.message });
    if (opened) for (const task of changed) listener.changed(task);
    else listener.opened(job, now);
    opened = true;
    tellPause(job.paused);
    return job;
  }

  let paused = false;
  function tellPause(now: boolean): void {
    if (now && !paused) listener.noticed(`${PAUSED} It goes on by "stackyard job resume ${jobId.slice(0, 8)}".`);
    if (!now && paused) listener.noticed('It goes on.');
    paused = now;
  }

  try {
    const stream = streamOf(api.connection, '/api/v1/events?topics=job,task,package', {
      signal: either,
      onBreak: (reason) => listener.noticed(`The connection broke off (${reason}); trying again. The job goes on.`),
      onResume: () => listener.noticed('Connected again.'),
    });
    for await (const { event, data } of stream) {
      if (event === 'ready' && isJobTerminal(await look())) break;
      if (event === 'package') listener.packageMoved(data as PackageEvent);
      if ((data as { jobId?: string }).jobId !== jobId) continue;
      if (event === 'task') {
        const known = tasks.get((data as TaskEvent).taskId);
        const next = known && afterEvent(known, data as TaskEvent);
        if (!next) continue;
        tasks.set(next.id, next);
        listener.changed(next);
      }
      if (event === 'job') tellPause((data as { paused?: boolean }).paused === true);
      if (event === 'job' && isJobTerminal(data as Job) && isJobTerminal(await look())) break;
    }
    if (signal?.aborted) return undefined;
    return { job: await readJob(api, jobId), tasks: [...tasks.values()].sort((a, b) => a.index - b.index) };
  } finally {
    stop.abort();
    listener.closed();
  }
}

function differs(before: TaskPicture | undefined, after: TaskPicture): boolean {
  return before?.state !== after.state || before.attempt !== after.attempt;
}

export async function readJob(api: Api, jobId: string): Promise<Job> {
  return answerOf(api.GET('/api/v1/jobs/{job}', { params: { path: { job: jobId }, query: {} } }));
}

export async function readTasks(api: Api, jobId: string, state?: string) {
  return allOf((query) =>
    api.GET('/api/v1/jobs/{job}/tasks', {
      params: { path: { job: jobId }, query: { ...query, ...(state ? { state } : {}) } },
    }),
  );
}
