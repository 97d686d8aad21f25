import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { World } from '../world.ts';
import { readLedger } from './ledger.ts';
import type { Kill, Target } from './plan.ts';
import { runnersBelow } from './processes.ts';

/** Who is tried when there is nobody of the kind that was to be killed. */
const insteadOf: Readonly<Record<Target, readonly Target[]>> = {
  server: ['server', 'agent', 'runner'],
  agent: ['agent', 'runner', 'server'],
  runner: ['runner', 'agent', 'server'],
};
/** There is always work: while nobody runs any, what was killed before is still starting, and is let start. */
const RUNNER_WITHIN_MS = 10_000;

/**
 * Kills by a plan, and starts again what was killed, as a supervisor would: without waiting for anybody to be ready, so
 * that the next kill may hit while others are starting.
 */
export class Chaos {
  readonly #world: World;
  readonly #restarts = new Set<Promise<void>>();
  readonly #down = new Set<string>();
  readonly #killed = new WeakSet<ChildProcess>();
  /** How far the server has come since it was killed last. */
  #server: 'starting' | 'starting again' | 'up' = 'up';
  #stopped = false;
  readonly killedRunners = new Set<string>();
  readonly crashes: string[] = [];
  readonly counts: Record<Target, number> = { server: 0, agent: 0, runner: 0 };

  constructor(world: World) {
    this.#world = world;
    this.#watch('server', world.server);
    for (const [name, { agent }] of world.hosts) this.#watch(name, agent);
  }

  async carryOut(plan: readonly Kill[], each: (done: number) => void = () => undefined): Promise<void> {
    for (const [index, kill] of plan.entries()) {
      await delay(kill.afterMs);
      while (!this.#stopped && !(await this.#one(kill))) await delay(50);
      if (this.#stopped) return;
      each(index + 1);
    }
  }

  /** Resolves when everything that was killed runs again. */
  async settled(): Promise<void> {
    while (this.#restarts.size > 0) await Promise.all(this.#restarts);
  }

  /** Kills and starts nothing more; what ends from here on is no crash. */
  stop(): void {
    this.#stopped = true;
  }

  async #one(kill: Kill): Promise<boolean> {
    for (const target of insteadOf[kill.target]) {
      const done =
        target === 'runner' ? await this.#killRunner(kill) : await this.#killProcess(this.#choose(target, kill), kill);
      if (!done) continue;
      this.counts[target] += 1;
      return true;
    }
    return false;
  }

  #choose(target: 'server' | 'agent', { pick }: Kill): string | undefined {
    // A server may be killed while it starts, but not every time: nothing would ever get on.
    if (target === 'server' && this.#server === 'starting again') return undefined;
    const names = target === 'server' ? ['server'] : [...this.#world.hosts.keys()];
    const up = names.filter((name) => !this.#down.has(name));
    return up[Math.floor(pick * up.length)];
  }

  async #killProcess(name: string | undefined, { downMs }: Kill): Promise<boolean> {
    if (name === undefined) return false;
    const { agent } = name === 'server' ? { agent: this.#world.server } : this.#world.host(name);
    if (!agent || agent.exitCode !== null || agent.signalCode !== null) return false;
    this.#down.add(name);
    this.#killed.add(agent);
    if (name === 'server') this.#server = this.#server === 'up' ? 'starting' : 'starting again';
    const ended = once(agent, 'exit');
    agent.kill('SIGKILL');
    await ended;
    this.#startAgain(name, downMs);
    return true;
  }

  #startAgain(name: string, afterMs: number): void {
    const restart = delay(afterMs).then(() => {
      if (this.#stopped) return;
      const child = name === 'server' ? this.#world.launchServer() : this.#world.launchAgent(name);
      this.#down.delete(name);
      this.#watch(name, child);
      if (name === 'server') this.#watchStart(child);
    });
    this.#restarts.add(restart);
    void restart.finally(() => this.#restarts.delete(restart));
  }

  #watchStart(child: ChildProcess): void {
    this.#world.untilServerAnswers().then(
      () => {
        if (this.#world.server === child) this.#server = 'up';
      },
      // It was killed before.
      () => undefined,
    );
  }

  /** What ends by itself is started again too, and held against us. */
  #watch(name: string, child: ChildProcess | undefined): void {
    child?.once('exit', (code, signal) => {
      if (this.#stopped || this.#killed.has(child)) return;
      this.crashes.push(
        `${name === 'server' ? 'The server' : `The agent of ${name}`} ended by itself (${signal ?? code}).`,
      );
      this.#down.add(name);
      this.#startAgain(name, 500);
    });
  }

  /** One that is in the middle of an effect, when there is any. */
  async #killRunner({ pick }: Kill): Promise<boolean> {
    for (const deadline = performance.now() + RUNNER_WITHIN_MS; performance.now() < deadline; await delay(20)) {
      const runners = runnersBelow(this.#world.dir);
      const open = await this.#openEffects();
      const atWork = runners.filter(({ cookie }) => open.has(cookie));
      const choice = atWork.length > 0 ? atWork : runners;
      const chosen = choice[Math.floor(pick * choice.length)];
      if (!chosen) continue;
      try {
        process.kill(chosen.pid, 'SIGKILL');
      } catch {
        continue; // it has just ended
      }
      this.killedRunners.add(chosen.cookie);
      return true;
    }
    return false;
  }

  async #openEffects(): Promise<ReadonlySet<string>> {
    const open = new Set<string>();
    for (const { name, root } of this.#world.hosts.values()) {
      for (const { cookie, what } of await readLedger(name, root)) {
        if (what === 'begin') open.add(cookie);
        if (what === 'end') open.delete(cookie);
      }
    }
    return open;
  }
}
