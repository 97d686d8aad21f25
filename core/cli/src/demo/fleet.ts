import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../errors.ts';
import { step } from '../output/step.ts';
import type { Terminal } from '../output/terminal.ts';
import type { DemoCluster } from './cluster.ts';
import type { Interrupts } from './interrupts.ts';
import type { DemoLayout } from './layout.ts';
import { killManaged } from './leftBehind.ts';
import { type Program, Running } from './processes.ts';
import {
  type AgentCommand,
  type JoinTicket,
  agentProgram,
  type LocalHost,
  type ServerAddress,
  serverProgram,
  startServerProcess,
} from './programs.ts';

const RESTART_AFTER_MS = 1_000;
/** A program that ends so soon after its start is not started again and again. */
const TOO_SOON_MS = 5_000;
/** The last of several products waits for those before it. */
const STOP_JOB_MS = 300_000;

/** The processes of the demo: they are started again when they are killed, and ended together. */
export class Fleet {
  readonly #layout: DemoLayout;
  readonly #terminal: Terminal;
  readonly #interrupts: Interrupts;
  readonly #agents = new Map<string, Running>();
  #server: Running | undefined;
  #stopping = false;
  /** The way to stop services in their order, once there is one. */
  cluster: ((signal: AbortSignal) => DemoCluster) | undefined;

  constructor(layout: DemoLayout, terminal: Terminal, interrupts: Interrupts) {
    this.#layout = layout;
    this.#terminal = terminal;
    this.#interrupts = interrupts;
  }

  /** @throws CliError when it does not start */
  async startServer(options: {
    port: number;
    agentPort: number;
    enrolmentPort: number;
    packageOrigin: string | undefined;
    stacks: readonly string[];
  }): Promise<ServerAddress> {
    const program = serverProgram(this.#layout, { ...options, env: this.#terminal.env });
    const { running, address } = await startServerProcess(program);
    this.#server = running;
    // Port 0 asks for any; after a restart it has to be the same again.
    const again = { ...options, port: Number(new URL(address.url).port) };
    this.#guard(running, async () => void (await this.startServer(again)));
    return address;
  }

  startAgent(host: LocalHost, options: { command: AgentCommand; ticket: JoinTicket }): void {
    const program: Program = agentProgram(this.#layout, { host, ...options, env: this.#terminal.env });
    const running = new Running(program);
    this.#agents.set(host.name, running);
    this.#guard(running, async () => this.startAgent(host, options));
  }

  /** Stops services by a job, then agents, then the server with its database. Ctrl-C on the way makes it short. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (!this.#server && this.#agents.size === 0) return;
    if (this.#interrupts.came) this.#terminal.err('\nStopping; Ctrl-C again ends it at once.\n');
    const orderly = await this.#stopServices();
    const { hurry } = this.#interrupts;
    const grace = (ms: number): number => (hurry.aborted ? 1_000 : ms);
    const all = [...this.#agents.values()];
    await step(
      this.#terminal,
      'Stopping agents and server',
      async () => {
        await Promise.all(all.map((agent) => agent.stop({ graceMs: grace(10_000) })));
        if (!orderly) await killManaged(this.#layout.dir);
        await this.#server?.stop({ graceMs: grace(30_000) });
      },
      () => `Everything that was started has ended; its data is in ${this.#layout.dir}`,
    );
  }

  /** @returns whether everything has stopped in its order */
  async #stopServices(): Promise<boolean> {
    if (!this.cluster || !this.#server) return false;
    const { hurry } = this.#interrupts;
    const limit = AbortSignal.any([hurry, AbortSignal.timeout(STOP_JOB_MS)]);
    const late = new Promise<never>((_, reject) =>
      limit.addEventListener('abort', () => reject(new CliError('it took too long')), { once: true }),
    );
    late.catch(() => undefined);
    try {
      await Promise.race([this.cluster(limit).stopServices(), late]);
      return true;
    } catch (error) {
      if (!hurry.aborted)
        this.#terminal.err(
          `The services could not be stopped by a job${error instanceof CliError && error.message ? ` (${error.message})` : ''}; their processes are ended.\n`,
        );
      return false;
    }
  }

  #guard(running: Running, restart: () => Promise<void>): void {
    const startedAt = performance.now();
    void running.ended.then(async (how) => {
      if (this.#stopping || running.stopping) return;
      const { name, logFile } = running.program;
      if (performance.now() - startedAt < TOO_SOON_MS) {
        this.#terminal.err(
          `${name} ended (${how}) soon after its start and is not started again. Its log is ${logFile}.\n`,
        );
        return;
      }
      this.#terminal.err(`${name} ended (${how}); it is started again.\n`);
      await delay(RESTART_AFTER_MS);
      if (!this.#stopping)
        await restart().catch((error: unknown) => this.#terminal.err(`${(error as Error).message}\n`));
    });
  }
}
