import { Agent, request } from 'node:http';

export interface JobAnswer {
  readonly id: string;
  readonly state: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** The REST API over connections that stay open, with as little work of its own as possible. */
export class Api {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent: Agent;

  constructor(url: string, token: string, { connections = 4 } = {}) {
    this.#url = url;
    this.#headers = { authorization: `Bearer ${token}` };
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  close(): void {
    this.#agent.destroy();
  }

  async get<T>(path: string): Promise<T> {
    return JSON.parse(await this.text('GET', `/api/v1${path}`)) as T;
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    return JSON.parse(await this.text('POST', `/api/v1${path}`, JSON.stringify(body))) as T;
  }

  /** Waits for the end of a job. @throws Error unless it is SUCCESSFUL */
  async finished(jobId: string): Promise<JobAnswer> {
    for (;;) {
      const job = await this.get<JobAnswer>(`/jobs/${jobId}?wait=30s`);
      if (job.state === 'SUCCESSFUL') return job;
      if (job.state !== 'PENDING' && job.state !== 'RUNNING') {
        throw new Error(`Job ${jobId} is ${job.state}: ${JSON.stringify(job.counts)}`);
      }
    }
  }

  /** Runs a command to its end; answers the job. */
  async run(cluster: string, command: unknown): Promise<JobAnswer> {
    const { id } = await this.post<JobAnswer>(`/clusters/${cluster}/commands`, command);
    return this.finished(id);
  }

  /** Follows a log until it has brought a text. The log may not have begun yet. */
  async followUntil(path: string, text: string): Promise<void> {
    while (!(await this.#followOnce(path, text)));
  }

  /** False when there is nothing to follow yet. */
  #followOnce(path: string, text: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const headers = { ...this.#headers, accept: 'text/event-stream' };
      const sent = request(`${this.#url}/api/v1${path}`, { headers, agent: this.#agent }, (answer) => {
        if (answer.statusCode !== 200) {
          answer.resume().on('end', () => resolve(false));
          return;
        }
        let seen = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          seen += chunk;
          if (!seen.includes(text)) return;
          resolve(true);
          answer.destroy();
        });
        answer.on('error', reject);
        answer.on('end', () => reject(new Error(`${path} ended without ${JSON.stringify(text)}: ${seen}`)));
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  text(method: string, path: string, body?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? this.#headers : { ...this.#headers, 'content-type': 'application/json' };
      const sent = request(`${this.#url}${path}`, { method, headers, agent: this.#agent }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const { statusCode = 0 } = answer;
          if (statusCode >= 400) reject(new Error(`${method} ${path} was answered with ${statusCode}: ${text}`));
          else resolve(text);
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
