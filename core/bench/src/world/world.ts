import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildBundle, bundleCommand } from '@stackyard/agent';
import { buildStack } from '@stackyard/sdk/build';
import { Api } from './api.ts';
import { type Child, type ChildOptions, endAllOf, startChild } from './children.ts';
import type { FleetArguments, FleetReady, FleetStatus } from './fleetMain.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const sources = '--conditions=@stackyard/source';
const bin = path('../../../cli/bin/stackyard.mjs');
const ownStacks = [path('../../../../examples/mock-stack'), path('../stack'), path('../printer')];

type Named = Omit<ChildOptions, 'cwd' | 'logFile'> & { readonly name: string };

/** What `stackyard server --json` says when it is ready. */
export interface ServerReady {
  readonly url: string;
  readonly agentEndpoint: string;
  readonly enrolmentEndpoint: string;
  readonly tokenFile: string;
}

/** What a host joins by. */
interface JoinTicket {
  readonly token: string;
  readonly enrolment: string;
  readonly authoritySha256: string;
}

interface JoinTickets {
  readonly tokens: readonly { readonly token: string }[];
  readonly enrolment: string;
  readonly authoritySha256: string;
}

interface HostPage {
  readonly items: readonly { readonly name: string; readonly reachable: boolean }[];
  readonly nextCursor: string | null;
}

const TOKENS_AT_A_TIME = 1_000;

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
  #ports = portsOf(':0', ':0', ':0');
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
    const args = [bin, 'server', '--json', ...this.#ports, ...data];
    for (const stack of stacks ? ownStacks : []) {
      args.push('--stack', (await buildStack(stack, { outDir: join(this.dir, 'stacks') })).file);
    }
    const profile = profileDir ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` } : {};
    const env = { XDG_CONFIG_HOME: join(this.dir, 'config'), ...profile };
    this.#server = await this.#start<ServerReady>({ name: 'server', args, env });
    const { url, tokenFile, agentEndpoint, enrolmentEndpoint } = this.#server.ready;
    // Those who know it look for it at the same ports after a restart.
    this.#ports = portsOf(url, agentEndpoint, enrolmentEndpoint);
    this.#token = (await readFile(tokenFile, 'utf8')).trim();
    this.#api = this.newApi(url);
    return this.#server;
  }

  /** Another client with connections of its own. */
  newApi(url: string = this.server.ready.url, options?: { connections: number }): Api {
    return new Api(url, this.#token, options);
  }

  /** As a power cut for its process. */
  async killServer(): Promise<void> {
    this.#api?.close();
    await this.#server?.end('SIGKILL');
    this.#server = undefined;
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
  async startFleet(names: readonly string[]): Promise<Child<FleetReady>> {
    const tokens: string[] = [];
    let enrolment = { endpoint: '', caSha256: '' };
    for (let from = 0; from < names.length; from += TOKENS_AT_A_TIME) {
      const hostNames = names.slice(from, from + TOKENS_AT_A_TIME);
      const made = await this.api.post<JoinTickets>('/hosts/tokens/batch', { hostNames, ttlSeconds: 3_600 });
      tokens.push(...made.tokens.map(({ token }) => token));
      enrolment = { endpoint: made.enrolment, caSha256: made.authoritySha256 };
    }
    const options: FleetArguments = { enrolment, tokens, names, statusFile: this.#fleetStatus };
    // Thousands of tokens are more than a command line may hold.
    const file = join(this.dir, 'fleet.json');
    await writeFile(file, JSON.stringify(options), { mode: 0o600 });
    const child = await this.#start<FleetReady>({
      name: 'fleet',
      args: [sources, path('./fleetMain.ts'), file],
      readyWithinMs: 600_000,
    });
    await this.#untilReachable(names);
    return child;
  }

  /** When the fleet was complete the last time, by the clock of the machine. */
  async fleetCompleteAt(): Promise<FleetStatus> {
    return JSON.parse(await readFile(this.#fleetStatus, 'utf8')) as FleetStatus;
  }

  get #fleetStatus(): string {
    return join(this.dir, 'fleet-status.json');
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

  /** Names of the hosts that the server reaches. */
  async reachableHosts(): Promise<ReadonlySet<string>> {
    const reached = new Set<string>();
    for (let cursor = ''; ;) {
      const page = await this.api.get<HostPage>(`/hosts?limit=500${cursor}`);
      for (const { name, reachable } of page.items) if (reachable) reached.add(name);
      if (!page.nextCursor) return reached;
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
    }
  }

  async #untilReachable(names: readonly string[]): Promise<void> {
    const deadline = performance.now() + 30_000;
    for (;;) {
      const reached = await this.reachableHosts();
      if (names.every((name) => reached.has(name))) return;
      if (performance.now() > deadline) throw new Error(`The server does not reach all of ${names.join(', ')}.`);
      await delay(20);
    }
  }
}

function portsOf(http: string, agents: string, enrolment: string): readonly string[] {
  const port = (endpoint: string): string => endpoint.slice(endpoint.lastIndexOf(':') + 1);
  return ['--port', port(http), '--agent-port', port(agents), '--enrolment-port', port(enrolment)];
}
