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
import type { ServerArguments, ServerReady } from './serverMain.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const sources = '--conditions=@stackyard/source';
const stacks = [path('../../../../examples/mock-stack'), path('../stack')];

type Named = Omit<ChildOptions, 'cwd' | 'logFile'> & { readonly name: string };

export interface WorldOptions {
  /** Flags of Node for the server's process, such as `--cpu-prof`. */
  readonly serverFlags?: readonly string[];
}

/** A server with its agents on loopback, everything below one temporary directory; `close` ends and removes all of it. */
export class World {
  readonly dir: string;
  readonly #options: WorldOptions;
  readonly #children: Child<unknown>[] = [];
  #server: Child<ServerReady> | undefined;
  #api: Api | undefined;
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

  /** Starts the server; the first time on an empty directory. */
  async startServer(): Promise<Child<ServerReady>> {
    const artifacts = await Promise.all(stacks.map((stack) => buildStack(stack, { outDir: join(this.dir, 'stacks') })));
    const options: ServerArguments = { dataDir: join(this.dir, 'server'), stacks: artifacts.map(({ file }) => file) };
    this.#server = await this.#start<ServerReady>({
      name: 'server',
      args: [...(this.#options.serverFlags ?? []), sources, path('./serverMain.ts'), JSON.stringify(options)],
    });
    const { url, token } = this.#server.ready;
    this.#api = new Api(url, token);
    return this.#server;
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
    const { token } = await this.api.post<{ token: string }>('/hosts/tokens', { hostName: name });
    const tokenFile = join(this.dir, `${name}.token`);
    await writeFile(tokenFile, token, { mode: 0o600 });
    this.#agents += 1;
    const address = `127.${1 + (process.pid % 200)}.7.${this.#agents}`;
    const host = ['--root', root, '--name', name, '--address', address, '--bind', address, '--local'];
    const args = [...command.args, '--server', this.server.ready.agentEndpoint, ...host, '--token-file', tokenFile];
    const child = await this.#start({ name, args, env: command.env, announces: false });
    await this.#untilReachable([name]);
    return child;
  }

  /** Simulated agents, all in one process. */
  async startFleet(names: readonly string[]): Promise<Child<unknown>> {
    const tokens: string[] = [];
    for (const hostName of names) {
      tokens.push((await this.api.post<{ token: string }>('/hosts/tokens', { hostName })).token);
    }
    const options: FleetArguments = { server: this.server.ready.agentEndpoint, tokens, names };
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
