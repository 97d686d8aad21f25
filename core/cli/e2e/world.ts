import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Api } from './api.ts';

const cli = fileURLToPath(new URL('../bin/stackyard.mjs', import.meta.url));
const repository = fileURLToPath(new URL('../../../', import.meta.url));

export interface WorldOptions {
  /** Stacks to load, as folders of the repository. */
  readonly stacks: readonly string[];
  /** Host names; each gets a loopback address and a root directory of its own. */
  readonly hosts: readonly string[];
  /** The user's own PostgreSQL instead of the embedded one. */
  readonly databaseUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Further arguments of the server. */
  readonly serverArgs?: readonly string[];
  /** Agents in network namespaces; on loopback addresses without it. */
  readonly network?: HostNetwork;
}

/** Where hosts are, when they are not on loopback addresses. */
export interface HostNetwork {
  /** The server's address in it. */
  readonly server: string;
  addressOf(host: string): string;
  /** What runs a command on the host. */
  commandOn(host: string): readonly string[];
}

export interface TestHost {
  readonly name: string;
  readonly address: string;
  readonly root: string;
  agent: ChildProcess | undefined;
  /** What it joins by. */
  ticket: JoinTicket | undefined;
}

/** What the server gives for a host that is to join. */
export interface JoinTicket {
  readonly token: string;
  /** host:port */
  readonly enrolment: string;
  readonly authoritySha256: string;
}

interface Ports {
  readonly http: number;
  readonly agents: number;
  readonly enrolment: number;
}

/**
 * A server and its agents as processes of their own, as operators run them. Everything lies in one temporary directory
 * and on loopback addresses that no other world uses; `close` ends and removes all of it, whatever state it is in.
 */
export class World {
  readonly dir: string;
  readonly hosts = new Map<string, TestHost>();
  /** Further arguments of the server, from its next start on. */
  serverArgs: readonly string[];
  readonly #options: WorldOptions;
  readonly #net: string;
  readonly #ports: Ports;
  #server: ChildProcess | undefined;
  #api: Api | undefined;

  private constructor(options: WorldOptions, dir: string, net: string, ports: Ports) {
    this.#options = options;
    this.serverArgs = options.serverArgs ?? [];
    this.dir = dir;
    this.#net = net;
    this.#ports = ports;
  }

  /** Starts the server, then lets every host join. Cleans up when that fails. */
  static async start(options: WorldOptions): Promise<World> {
    const dir = await mkdtemp(join(tmpdir(), 'stackyard-e2e-'));
    // Outgoing connections take ports from 32768 on; these are below.
    const slot = 1 + (process.pid % 200);
    const world = new World(options, dir, `127.${slot}.${Math.floor(Math.random() * 250)}`, {
      http: await freePort(),
      agents: await freePort(),
      enrolment: await freePort(),
    });
    try {
      await world.startServer();
      for (const name of options.hosts) await world.addHost(name);
      return world;
    } catch (error) {
      const log = await world.serverLog();
      await world.close();
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n--- server log\n${log}`, {
        cause: error,
      });
    }
  }

  get api(): Api {
    if (!this.#api) throw new Error('The server has not started.');
    return this.#api;
  }

  get server(): ChildProcess | undefined {
    return this.#server;
  }

  get serverPid(): number {
    return this.#server?.pid ?? 0;
  }

  /** host:port that agents dial. */
  get agentEndpoint(): string {
    return `${this.#options.network?.server ?? '127.0.0.1'}:${this.#ports.agents}`;
  }

  get dataDir(): string {
    return join(this.dir, 'server');
  }

  async startServer(): Promise<void> {
    this.launchServer();
    await this.untilServerAnswers();
  }

  /** Starts the server's process without waiting for it. */
  launchServer(): ChildProcess {
    const { stacks, databaseUrl, env, network } = this.#options;
    const args = [
      'server',
      ...this.serverArgs,
      ...(network ? ['--agent-host', network.server] : []),
      '--data-dir',
      this.dataDir,
      '--port',
      String(this.#ports.http),
      '--agent-port',
      String(this.#ports.agents),
      '--enrolment-port',
      String(this.#ports.enrolment),
      '--package-origin',
      'maven',
    ];
    for (const stack of stacks) args.push('--stack', join(repository, stack));
    this.#server = this.#run(args, 'server.log', { ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}), ...env });
    return this.#server;
  }

  async untilServerAnswers(): Promise<void> {
    const child = this.#server;
    const tokenFile = join(this.dataDir, 'admin-token');
    await until('the server answers', async () => {
      if (child && (child.exitCode !== null || child.signalCode !== null))
        throw new Error(`The server ended with ${child.exitCode ?? child.signalCode}.`);
      const token = await readFile(tokenFile, 'utf8').catch(() => undefined);
      if (!token) return false;
      const api = new Api(`http://127.0.0.1:${this.#ports.http}`, token.trim());
      const answers = await api.get('/server').then(
        () => true,
        () => false,
      );
      if (answers) this.#api = api;
      return answers;
    });
  }

  /** Starts another server on the same data and database, on ports of its own; answers what it said when it ended. */
  async startSecondServer(): Promise<string> {
    const args = [
      'server',
      '--data-dir',
      join(this.dir, 'second'),
      '--port',
      String(await freePort()),
      '--agent-port',
      String(await freePort()),
      '--enrolment-port',
      String(await freePort()),
      '--package-origin',
      'maven',
    ];
    for (const stack of this.#options.stacks) args.push('--stack', join(repository, stack));
    const { databaseUrl } = this.#options;
    const child = this.#run(
      databaseUrl ? args : args.with(2, this.dataDir),
      'second.log',
      databaseUrl ? { DATABASE_URL: databaseUrl } : {},
    );
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
    await once(child, 'exit');
    clearTimeout(timer);
    return this.#log('second.log');
  }

  async stopServer(): Promise<void> {
    await end(this.#server, 'SIGTERM');
    this.#server = undefined;
  }

  /** As a power cut for the process: nothing is said goodbye to. */
  async killServer(): Promise<void> {
    await end(this.#server, 'SIGKILL');
    this.#server = undefined;
  }

  /** Makes a host known, starts its agent and waits until the server can reach it. */
  async addHost(name: string): Promise<TestHost> {
    const host: TestHost = {
      name,
      address: this.#options.network?.addressOf(name) ?? `${this.#net}.${11 + this.hosts.size}`,
      root: join(this.dir, name),
      agent: undefined,
      ticket: undefined,
    };
    this.hosts.set(name, host);
    await mkdir(host.root, { recursive: true, mode: 0o755 });
    host.ticket = await this.api.post<JoinTicket>('/hosts/tokens', { hostName: name });
    await writeFile(join(this.dir, `${name}.token`), host.ticket.token, { mode: 0o600 });
    await this.startAgent(name);
    return host;
  }

  async startAgent(name: string): Promise<void> {
    this.launchAgent(name);
    await this.untilReached(name);
  }

  /** Starts the agent's process without waiting for it. */
  launchAgent(name: string): ChildProcess {
    const host = this.host(name);
    const args = [
      'agent',
      '--enrol',
      host.ticket?.enrolment ?? '',
      '--ca-sha256',
      host.ticket?.authoritySha256 ?? '',
      '--root',
      host.root,
      '--name',
      name,
      '--address',
      host.address,
      '--bind',
      host.address,
      '--local',
      '--token-file',
      join(this.dir, `${name}.token`),
    ];
    const { env = {}, network } = this.#options;
    host.agent = this.#run(args, `${name}.log`, env, network?.commandOn(name));
    return host.agent;
  }

  async untilReached(name: string): Promise<void> {
    const host = this.host(name);
    await until(`the server reaches ${name}`, async () => {
      if (host.agent?.exitCode !== null)
        throw new Error(`The agent of ${name} ended with ${host.agent?.exitCode}: ${await this.#log(`${name}.log`)}`);
      const { items } = await this.api.get<{ items: { name: string; reachable: boolean }[] }>('/hosts?limit=500');
      return items.some((each) => each.name === name && each.reachable);
    });
  }

  async killAgent(name: string): Promise<void> {
    const host = this.host(name);
    await end(host.agent, 'SIGKILL');
    host.agent = undefined;
  }

  async stopAgent(name: string): Promise<void> {
    const host = this.host(name);
    await end(host.agent, 'SIGTERM');
    host.agent = undefined;
  }

  host(name: string): TestHost {
    const host = this.hosts.get(name);
    if (!host) throw new Error(`There is no host ${name} in this world.`);
    return host;
  }

  /** A command of the operator. `interrupt` presses Ctrl-C and answers when it has ended. */
  runCommand(args: readonly string[]): { interrupt(): Promise<{ code: number | null; output: string }> } {
    const env = { STACKYARD_URL: this.api.url, STACKYARD_TOKEN: this.api.token };
    const child = this.#run(args, 'command.log', env);
    let output = '';
    child.stdout?.on('data', (data: Buffer) => (output += data.toString()));
    return {
      interrupt: async () => {
        const ended = once(child, 'close');
        child.kill('SIGINT');
        const [code] = (await ended) as [number | null];
        return { code, output };
      },
    };
  }

  /** A command of the operator, until it ends; what it says to both streams. */
  async command(args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
    const child = this.#run(args, 'command.log', { STACKYARD_URL: this.api.url, STACKYARD_TOKEN: this.api.token });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => (output += data.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  }

  serverLog(): Promise<string> {
    return this.#log('server.log');
  }

  /** Ends the server, agents, and everything that runs below this world's directory; then removes the directory. */
  async close(): Promise<void> {
    await Promise.all([...this.hosts.values()].map((host) => end(host.agent, 'SIGKILL')));
    await end(this.#server, 'SIGTERM', 10_000);
    for (let round = 0; round < 100; round++) {
      const left = await processesIn(this.dir);
      if (left.length === 0) break;
      for (const pid of left) signal(pid, 'SIGKILL');
      await delay(50);
    }
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  #run(
    args: readonly string[],
    log: string,
    env: Readonly<Record<string, string>>,
    within: readonly string[] = [],
  ): ChildProcess {
    const [program = process.execPath, ...rest] = [...within, process.execPath, cli, ...args];
    const child = spawn(program, rest, {
      cwd: this.dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, XDG_CONFIG_HOME: join(this.dir, 'config'), ...env },
    });
    const file = createWriteStream(join(this.dir, log), { flags: 'a' });
    child.stdout?.pipe(file, { end: false });
    child.stderr?.pipe(file, { end: false });
    return child;
  }

  async #log(name: string): Promise<string> {
    return readFile(join(this.dir, name), 'utf8').catch(() => '(none)');
  }
}

/** Waits for a condition, looking often; fails with what it waited for. */
export async function until(what: string, condition: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`After ${withinMs} ms it is still not so that ${what}.`);
    await delay(50);
  }
}

/** Pids of living processes whose environment, command line or working directory names a directory. */
export async function processesIn(dir: string): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      if (/\) [ZX] /.test(stat)) continue;
      const text = readFileSync(`/proc/${pid}/cmdline`, 'latin1') + readFileSync(`/proc/${pid}/environ`, 'latin1');
      // A program such as Redis writes its title over both.
      if (text.includes(dir) || readlinkSync(`/proc/${pid}/cwd`).startsWith(`${dir}/`)) found.push(pid);
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

export function signal(pid: number, name: NodeJS.Signals): void {
  // 0 is everything in the process group of the test itself.
  if (pid < 1) throw new Error(`There is no process ${pid} to send ${name} to.`);
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function end(child: ChildProcess | undefined, name: NodeJS.Signals, graceMs = 30_000): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(name);
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await ended;
  clearTimeout(timer);
}

export async function freePort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 15_000);
    const socket = createConnection({ host: '127.0.0.1', port });
    const free = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(false));
      socket.once('error', () => resolve(true));
    });
    socket.destroy();
    if (free) return port;
  }
}
