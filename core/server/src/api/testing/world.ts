import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@stackyard/kernel';
import { Client } from 'pg';
import { type Script, ScriptedAgent } from '../../engine/testing/agent.ts';
import { joinHost } from '../../enrolment/testing.ts';
import { until } from '../../engine/testing/world.ts';
import { type RunningServer, startServer, type StartOptions } from '../../server.ts';
import { buildTestStack, type StackSource } from './stacks.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // What a test reads of an answer differs from test to test; a wrong guess fails the test.
  // oxlint-disable-next-line no-explicit-any
  readonly body: any;
}

export interface Sent {
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The administrator's when absent; `null` for none. */
  readonly token?: string | null;
}

/** Does what it is told: a configure phase reports the files it was expected to write. */
export const obedient: Script = ({ phase, expectedFiles }) =>
  phase === 'configure' ? { applied: { ...expectedFiles } } : {};

/** A server as `startServer` makes it, spoken to over HTTP, with scripted agents. `close` ends and removes all of it. */
export class ServerWorld {
  readonly dir: string;
  readonly agents = new Map<string, ScriptedAgent>();
  readonly #databaseUrl: string;
  readonly #options: Partial<StartOptions>;
  #server: RunningServer | undefined;

  private constructor(dir: string, databaseUrl: string, options: Partial<StartOptions>) {
    this.dir = dir;
    this.#databaseUrl = databaseUrl;
    this.#options = options;
  }

  static async start(
    databaseUrl: string,
    { stacks = [], ...options }: Partial<Omit<StartOptions, 'stacks'>> & { stacks?: readonly StackSource[] } = {},
  ): Promise<ServerWorld> {
    const dir = await mkdtemp(join(tmpdir(), 'stackyard-api-'));
    try {
      const files: string[] = [];
      for (const source of stacks) files.push(await buildTestStack(dir, source));
      const world = new ServerWorld(dir, databaseUrl, { ...options, stacks: files });
      await world.serve();
      return world;
    } catch (error) {
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  }

  get server(): RunningServer {
    if (!this.#server) throw new Error('The server is not running.');
    return this.#server;
  }

  async serve(changed: Partial<StartOptions> = {}): Promise<RunningServer> {
    this.#server = await startServer({
      dataDir: join(this.dir, 'data'),
      databaseUrl: this.#databaseUrl,
      http: { host: '127.0.0.1', port: 0 },
      agents: { host: '127.0.0.1', port: 0 },
      enrolment: { host: '127.0.0.1', port: 0 },
      packages: { origin: 'maven' },
      stacks: [],
      plugins: [],
      engine: { heartbeatMs: 200, leaseMs: 2_000, lostAfterMs: 60_000 },
      log: createLogger({ level: process.env['TEST_LOG'] === undefined ? 'silent' : 'warn' }),
      onFatal: (error) => console.error(error),
      ...this.#options,
      ...changed,
    });
    return this.#server;
  }

  /** Stops the server and starts it again, with other options if need be; the agents dial the new one. */
  async restart(changed: Partial<StartOptions> = {}): Promise<void> {
    for (const agent of this.agents.values()) agent.cut();
    await this.server.stop();
    await this.serve(changed);
    for (const agent of this.agents.values()) await agent.connect(this.server.agentEndpoint);
    await this.untilReachable();
  }

  async send(
    method: string,
    path: string,
    { body, raw, headers = {}, token = this.server.token }: Sent = {},
  ): Promise<Reply> {
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const answer = await fetch(`${this.server.url}${path.startsWith('/api/') ? '' : '/api/v1'}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(payload === undefined ? {} : { body: payload }),
    });
    const text = await answer.text();
    const json = /json/.test(answer.headers.get('content-type') ?? '');
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: json && text !== '' ? JSON.parse(text) : undefined,
    };
  }

  get(path: string, sent: Sent = {}): Promise<Reply> {
    return this.send('GET', path, sent);
  }

  post(path: string, body?: unknown, sent: Sent = {}): Promise<Reply> {
    return this.send('POST', path, { ...sent, ...(body === undefined ? {} : { body }) });
  }

  /** Lets hosts join, with agents that do what they are told. */
  async join(...names: string[]): Promise<void> {
    for (const name of names) {
      const { body } = await this.post('/hosts/tokens', { hostName: name });
      const agent = new ScriptedAgent(await joinHost({ ...body, hostName: name }));
      agent.script = obedient;
      this.agents.set(name, agent);
      await agent.connect(this.server.agentEndpoint);
    }
    await this.untilReachable();
  }

  async untilReachable(): Promise<void> {
    const names = [...this.agents.keys()];
    await until(async () => {
      const { body } = await this.get('/hosts?limit=500');
      return names.every((name) =>
        body.items.some((host: { name: string; reachable: boolean }) => host.name === name && host.reachable),
      );
    });
  }

  agent(name: string): ScriptedAgent {
    const agent = this.agents.get(name);
    if (!agent) throw new Error(`No agent has joined as ${name}.`);
    return agent;
  }

  /** Runs a command and waits for its job. @returns the job. */
  async run(cluster: string, command: object): Promise<Reply['body']> {
    const answer = await this.post(`/clusters/${cluster}/commands`, command);
    if (answer.status !== 202) throw new Error(`The command was answered with ${answer.status}: ${answer.text}`);
    return (await this.get(`/jobs/${answer.body.id}?wait=60s`)).body;
  }

  /** A cluster on these hosts, with the demo service's workers on them when asked for. */
  async cluster(name: string, hosts: readonly string[] = [], { demo = false } = {}): Promise<Reply['body']> {
    const { body, status, text } = await this.post('/clusters', { name, hosts });
    if (status !== 201) throw new Error(text);
    if (demo) {
      const job = await this.run(name, {
        command: 'add',
        services: [{ service: 'demo', components: { worker: hosts, head: hosts.slice(0, 1) } }],
      });
      if (job.state !== 'SUCCESSFUL') throw new Error(JSON.stringify(job));
    }
    return body;
  }

  /** Every item of a list, read by pages of `limit`. */
  async walk(path: string, limit = 2, afterPage?: (page: number) => Promise<void>): Promise<Reply['body'][]> {
    const items: Reply['body'][] = [];
    let cursor: string | null = '';
    for (let page = 1; cursor !== null; page++) {
      const { status, text, body }: Reply = await this.get(
        `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor ? `&cursor=${cursor}` : ''}`,
      );
      if (status !== 200) throw new Error(text);
      if (body.items.length > limit || page > 1_000) throw new Error(`Page ${page} of ${path} is not one: ${text}`);
      items.push(...body.items);
      cursor = body.nextCursor;
      await afterPage?.(page);
    }
    return items;
  }

  /** Rows, for what the API does not show, and for making time pass. */
  async sql<Row = Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const client = new Client({ connectionString: this.#databaseUrl });
    await client.connect();
    try {
      return (await client.query(text, [...values])).rows as Row[];
    } finally {
      await client.end();
    }
  }

  async close(): Promise<void> {
    for (const agent of this.agents.values()) agent.cut();
    await this.#server?.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}
