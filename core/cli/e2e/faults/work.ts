import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Api, type JobAnswer, ProblemAnswer } from '../api.ts';
import type { AttemptSeen, JobSeen, TaskSeen } from './verdict.ts';

const OUTAGE_MS = 120_000;
/** A job that fails again and again is not helped by more. */
const RETRIES = 30;

type Edges = JobSeen['edges'];

/** Gives a cluster jobs through a server that comes and goes, and knows in the end what became of them. */
export class Work {
  readonly #api: () => Api;
  readonly #jobs = new Map<string, Edges>();
  #asked = 0;

  constructor(api: () => Api) {
    this.#api = api;
  }

  /** Jobs that were asked for, answered or not. */
  get asked(): number {
    return this.#asked;
  }

  /** Asks for a job by plan, and again for what failed in it, until it is SUCCESSFUL. Answers how many tasks it has. */
  async run(cluster: string, command: unknown): Promise<number> {
    const { plan, job } = await this.#ask(cluster, command);
    this.#jobs.set(job.id, plan.edges);
    let state = await this.#ended(job.id);
    for (let retry = 0; state !== 'SUCCESSFUL' && retry < RETRIES; retry++) {
      const headers = { 'idempotency-key': randomUUID() };
      await this.#persist((api) => api.post(`/jobs/${job.id}/retry`, undefined, headers));
      state = await this.#ended(job.id);
    }
    return plan.tasks.length;
  }

  /** Everything that was asked for, as the server has it. */
  async seen(): Promise<{ readonly jobs: readonly JobSeen[]; readonly onServer: number }> {
    const jobs: JobSeen[] = [];
    for (const [id, edges] of this.#jobs) {
      const { state } = await this.#persist((api) => api.get<JobAnswer>(`/jobs/${id}`));
      const tasks = await this.#persist((api) => api.tasks(id));
      const attempts: AttemptSeen[] = [];
      for (const task of tasks) {
        const path = `/tasks/${task.id}/attempts?limit=500`;
        attempts.push(...(await this.#persist((api) => api.get<{ items: AttemptSeen[] }>(path))).items);
      }
      jobs.push({ id, state, edges, attempts, tasks: tasks.map(taskSeen) });
    }
    return { jobs, onServer: await this.#jobsOnServer() };
  }

  async #ask(cluster: string, command: unknown) {
    this.#asked += 1;
    for (;;) {
      const { id, plan } = await this.#persist((api) =>
        api.post<{ id: string; plan: { edges: Edges; tasks: unknown[] } }>(`/clusters/${cluster}/plans`, command),
      );
      const headers = { 'idempotency-key': randomUUID() };
      try {
        const job = await this.#persist((api) => api.post<JobAnswer>(`/plans/${id}/execute`, {}, headers));
        return { plan, job };
      } catch (error) {
        // The cluster changed since the plan was made: it is made anew.
        if (!(error instanceof ProblemAnswer && error.status === 409)) throw error;
      }
    }
  }

  #ended(jobId: string): Promise<string> {
    return this.#persist(async (api) => (await api.wait(jobId)).state);
  }

  async #jobsOnServer(): Promise<number> {
    let [count, cursor] = [0, ''];
    do {
      const page = await this.#persist((api) =>
        api.get<{ items: unknown[]; nextCursor: string | null }>(`/jobs?limit=500${cursor}`),
      );
      count += page.items.length;
      cursor = page.nextCursor ? `&cursor=${encodeURIComponent(page.nextCursor)}` : '';
    } while (cursor !== '');
    return count;
  }

  /** Says it again while the server is away. */
  async #persist<T>(call: (api: Api) => Promise<T>): Promise<T> {
    const deadline = performance.now() + OUTAGE_MS;
    for (;;) {
      try {
        return await call(this.#api());
      } catch (error) {
        if (!isOutage(error) || performance.now() > deadline) throw error;
        await delay(100);
      }
    }
  }
}

function taskSeen(task: {
  id: string;
  index: number;
  host: string;
  component: string;
  phase: string;
  state: string;
}): TaskSeen {
  const { id, index, host, component, phase, state } = task;
  return { id, index, host, state, name: `${phase} of ${component} on ${host}` };
}

/**
 * No connection, one that broke off, a server that is starting or stopping, or a key that a server took just before it was
 * killed: it is free after a minute.
 */
function isOutage(error: unknown): boolean {
  if (!(error instanceof ProblemAnswer)) return error instanceof TypeError;
  return error.status === 503 || error.problem.code === 'IDEMPOTENCY_IN_PROGRESS';
}
