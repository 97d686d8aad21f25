import { setTimeout as delay } from 'node:timers/promises';

/** What the API answered when it was not a success. */
export class ProblemAnswer extends Error {
  readonly status: number;
  readonly problem: {
    readonly code: string;
    readonly detail: string;
    readonly errors?: readonly { readonly pointer?: string; readonly message: string }[];
  };

  constructor(status: number, problem: ProblemAnswer['problem']) {
    super(`${status} ${problem.code}: ${problem.detail}`);
    this.status = status;
    this.problem = problem;
  }
}

export interface JobAnswer {
  readonly id: string;
  readonly state: 'PENDING' | 'RUNNING' | 'SUCCESSFUL' | 'FAILED' | 'CANCELED';
  readonly title: string;
  readonly counts: Readonly<Record<string, number>>;
}

export interface TaskAnswer {
  readonly id: string;
  readonly index: number;
  readonly host: string;
  readonly service: string;
  readonly component: string;
  readonly phase: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: number;
  readonly startedAt: string | null;
}

export interface ComponentAnswer {
  readonly id: string;
  readonly component: string;
  readonly host: string;
  readonly ordinal: number;
  readonly desired: string;
  readonly observed: string;
  readonly role: string | null;
  readonly restarts: number;
  readonly pid: number | null;
  readonly configVersion: number | null;
  readonly stale: { readonly changed: readonly string[]; readonly effect: string } | null;
}

/** The REST API as any program uses it. */
export class Api {
  readonly url: string;
  readonly token: string;

  constructor(url: string, token: string) {
    this.url = url;
    this.token = token;
  }

  get<T>(path: string): Promise<T> {
    return this.#send('GET', path);
  }

  post<T>(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    return this.#send('POST', path, body, headers);
  }

  put<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
    return this.#send('PUT', path, body, headers);
  }

  delete(path: string): Promise<void> {
    return this.#send('DELETE', path);
  }

  async etag(path: string): Promise<string> {
    const answer = await fetch(`${this.url}/api/v1${path}`, { headers: { authorization: `Bearer ${this.token}` } });
    await answer.arrayBuffer();
    return answer.headers.get('etag') ?? '';
  }

  async text(path: string): Promise<string> {
    const answer = await fetch(`${this.url}${path}`, { headers: { authorization: `Bearer ${this.token}` } });
    return answer.text();
  }

  /** The whole output of a task's latest attempt: logs are followed, so the end may come after the result. */
  async log(taskId: string): Promise<string> {
    const deadline = performance.now() + 30_000;
    for (;;) {
      const answer = await fetch(`${this.url}/api/v1/tasks/${taskId}/log`, {
        headers: { authorization: `Bearer ${this.token}` },
      });
      const text = await answer.text();
      if (answer.headers.get('x-log-complete') === 'true') return text;
      if (performance.now() > deadline) throw new Error(`The log of task ${taskId} has not ended:\n${text}`);
      await delay(50);
    }
  }

  /** Runs a command and waits for the end of its job. */
  async run(cluster: string, command: unknown): Promise<JobAnswer> {
    const { id } = await this.post<JobAnswer>(`/clusters/${cluster}/commands`, command);
    return this.wait(id);
  }

  async wait(jobId: string): Promise<JobAnswer> {
    for (;;) {
      const job = await this.get<JobAnswer>(`/jobs/${jobId}?wait=30s`);
      if (job.state !== 'PENDING' && job.state !== 'RUNNING') return job;
    }
  }

  async tasks(jobId: string): Promise<TaskAnswer[]> {
    return (await this.get<{ items: TaskAnswer[] }>(`/jobs/${jobId}/tasks?limit=500`)).items;
  }

  async components(cluster: string, query = ''): Promise<ComponentAnswer[]> {
    return (await this.get<{ items: ComponentAnswer[] }>(`/clusters/${cluster}/components?limit=500${query}`)).items;
  }

  /** What went wrong in a job, for the message of a failing test. */
  async story(jobId: string): Promise<string> {
    const lines: string[] = [];
    for (const task of await this.tasks(jobId)) {
      lines.push(`${task.state} ${task.phase} ${task.component} on ${task.host} ${task.reason ?? ''}`);
      if (task.state !== 'FAILED') continue;
      const { items } = await this.get<{ items: { message: string | null }[] }>(`/tasks/${task.id}/attempts`);
      lines.push(...items.map(({ message }) => `  ${message ?? ''}`), await this.text(`/api/v1/tasks/${task.id}/log`));
    }
    return lines.join('\n');
  }

  async #send<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const parsed = text === '' ? undefined : JSON.parse(text);
    if (!answer.ok) throw new ProblemAnswer(answer.status, parsed);
    return parsed as T;
  }
}
