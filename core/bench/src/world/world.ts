import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildBundle, bundleCommand } from '@stackyard/agent';
import { buildStack } from '@stackyard/sdk/build';
import { Api } from './api.ts';
import { type Child, type ChildOptions, endAllOf, startChild } from './children.ts';
import type { FleetArguments } from './fleetMain.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const sources = '--conditions=@stackyard/source';
const bin = path('../../../cli/bin/stackyard.mjs');
const ownStacks = [path('../../../../examples/mock-stack'), path('../stack'), path('../printer')];

type Named = Omit<ChildOptions, 'cwd' | 'logFile'> & { readonly name: string };

/** What `stackyard server --json` says when it is ready. */
export interface ServerReady {
  readonly url: string;
  readonly agentEndpoint: string;
  readonly tokenFile: string;
}

/** What a host joins by. */
interface JoinTicket {
  readonly token: string;
  readonly enrolment: string;
  readonly authoritySha256: string;
}

export interface WorldOptions {
  /** Whether the server has the stacks of the benches; else those that every server has. */
  readonly stacks?: boolean;
  /** Where the server leaves a processor profile. */
  readonly profileDir?: string | undefined;
}

/** A server with its agents on loopback, everything below one temporary directory; `close` ends and removes all of it. */
export class World {
  readonly dir: string;
  readonly #options: WorldOptions;
  readonly #children: Child<unknown>[] = [];
  #server: Child<ServerReady> | undefined;
  #api: Api | undefined;
  #token = '';
  #agents = 0;

  private constructor(dir: string, options: WorldOptions) {
    this.dir = dir;
    this.#options = options;
  }

  static async make(options: WorldOptions = {}): Promise<World> {
    return new World(await mkdtemp(join(tmpdir(), 'stackyard-bench-')), options);
  }

  get server(): Child<ServerReady> {
    if (!this.#server) throw new Error('The server of this world does not run.');
    return this.#server;
  }

  get api(): Api {
    if (!this.#api) throw new Error('The server of this world does not run.');
    return this.#api;
  }

  /** Starts the server as its users do; the first time on an empty directory. */
  async startServer(): Promise<Child<ServerReady>> {
    const { stacks = true, profileDir } = this.#options;
    const data = ['--data-dir', join(this.dir, 'server'), '--package-origin', 'maven'];
    const args = [bin, 'server', '--json', '--port', '0', '--agent-port', '0', '--enrolment-port', '0', ...data];
    for (const stack of stacks ? ownStacks : []) {
      args.push('--stack', (await buildStack(stack, { outDir: join(this.dir, 'stacks') })).file);
    }
    const profile = profileDir ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` } : {};
    const env = { XDG_CONFIG_HOME: join(this.dir, 'config'), ...profile };
    this.#server = await this.#start<ServerReady>({ name: 'server', args, env });
    const { url, tokenFile } = this.#server.ready;
    this.#token = (await readFile(tokenFile, 'utf8')).trim();
    this.#api = this.newApi(url);
    return this.#server;
  }

  /** Another client with connections of its own. */
  newApi(url: string = this.server.ready.url, options?: { connections: number }): Api {
    return new Api(url, this.#token, options);
  }

  async stopServer(): Promise<void> {
    this.#api?.close();
    await this.#server?.end();
    this.#server = undefined;
  }

  /** An agent as it runs on hosts: its bundle, with a host root of its own. Answers when the server reaches it. */
  async startAgent(name: string): Promise<Child<unknown>> {
    const command = bundleCommand(await buildBundle());
    const root = join(this.dir, name);
    await mkdir(root, { mode: 0o755 });
    const { token, enrolment, authoritySha256 } = await this.#ticket(name);
    const tokenFile = join(this.dir, `${name}.token`);
    await writeFile(tokenFile, token, { mode: 0o600 });
    this.#agents += 1;
    const address = `127.${1 + (process.pid % 200)}.7.${this.#agents}`;
    const host = ['--root', root, '--name', name, '--address', address, '--bind', address, '--local'];
    const joining = ['--enrol', enrolment, '--ca-sha256', authoritySha256, '--token-file', tokenFile];
    const args = [...command.args, ...joining, ...host];
    const child = await this.#start({ name, args, env: command.env, announces: false });
    await this.#untilReachable([name]);
    return child;
  }

  /** Simulated agents, all in one process. */
  async startFleet(names: readonly string[]): Promise<Child<unknown>> {
    const tickets: JoinTicket[] = [];
    for (const name of names) tickets.push(await this.#ticket(name));
    const [{ enrolment: endpoint, authoritySha256: caSha256 }] = tickets as [JoinTicket];
    const tokens = tickets.map(({ token }) => token);
    const options: FleetArguments = { enrolment: { endpoint, caSha256 }, tokens, names };
    const child = await this.#start({
      name: 'fleet',
      args: [sources, path('./fleetMain.ts'), JSON.stringify(options)],
    });
    await this.#untilReachable(names);
    return child;
  }

  /** Where the embedded database of this world is reached, as its server reaches it. */
  async databaseUrl(): Promise<string> {
    const dir = join(this.dir, 'server', 'postgres');
    const { application, database } = JSON.parse(await readFile(join(dir, 'credentials.json'), 'utf8')) as {
      application: { user: string; password: string };
      database: string;
    };
    const [, , , port, socketDir = ''] = await this.#postmasterLines();
    return `postgresql://${application.user}:${application.password}@${encodeURIComponent(socketDir)}:${port}/${database}`;
  }

  async postmasterPid(): Promise<number> {
    return Number((await this.#postmasterLines())[0]);
  }

  async close(): Promise<void> {
    this.#api?.close();
    for (const child of this.#children.toReversed()) await child.end();
    await endAllOf(this.dir);
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  #ticket(hostName: string): Promise<JoinTicket> {
    return this.api.post<JoinTicket>('/hosts/tokens', { hostName });
  }

  async #postmasterLines(): Promise<string[]> {
    const file = join(this.dir, 'server', 'postgres', 'pgdata', 'postmaster.pid');
    return (await readFile(file, 'utf8')).split('\n');
  }

  async #start<Ready>({ name, ...options }: Named): Promise<Child<Ready>> {
    const child = await startChild<Ready>({ ...options, cwd: this.dir, logFile: join(this.dir, `${name}.log`) });
    this.#children.push(child);
    return child;
  }

  async #untilReachable(names: readonly string[]): Promise<void> {
    const deadline = performance.now() + 30_000;
    for (;;) {
      const { items } = await this.api.get<{ items: { name: string; reachable: boolean }[] }>('/hosts?limit=500');
      const reached = new Set(items.filter(({ reachable }) => reachable).map(({ name }) => name));
      if (names.every((name) => reached.has(name))) return;
      if (performance.now() > deadline) throw new Error(`The server does not reach all of ${names.join(', ')}.`);
      await delay(20);
    }
  }
}
