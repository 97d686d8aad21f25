import { basename } from 'node:path';
import type { ComponentStatus, WatchedComponent__Output } from '@stackyard/proto';
import type { Json, Probe, StackManifest } from '@stackyard/sdk/manifest';
import { componentDir } from '@stackyard/sdk/render';
import { watchInputsOf } from '../envelope.ts';
import { type Definition, definitionOf } from '../phases/context.ts';
import { type Answer, ask } from '../probes/probe.ts';
import { type ComponentState, readState } from '../processes/state.ts';
import { judge, type Probed } from './judge.ts';

const READY_MS = 60_000;

/** One component of this host as the supervisor sees it: what is known, and the status that follows. */
export class Watched {
  readonly id: string;
  readonly dir: string;
  readonly given: WatchedComponent__Output;
  #definition: Definition | undefined;
  #state: ComponentState;
  #probed: Probed | undefined;
  #aliveSince = 0;
  #status: ComponentStatus;

  constructor(given: WatchedComponent__Output, root: string) {
    this.given = given;
    this.id = given.self?.hostComponentId ?? '';
    this.dir = componentDir(root, this.id);
    this.#state = readState(this.dir);
    this.#aliveSince = performance.now();
    this.#status = this.#compute('UNKNOWN', 'It has not been looked at yet.');
  }

  get name(): string {
    return basename(this.dir);
  }

  get status(): ComponentStatus {
    return this.#status;
  }

  get state(): ComponentState {
    return this.#state;
  }

  get definition(): Definition | undefined {
    return this.#definition;
  }

  /** A component without a process has no state to watch. */
  get hasProcess(): boolean {
    return this.#definition ? this.#definition.component.process !== undefined : this.#state.process !== undefined;
  }

  /** Still on its way to its first answer: look often. */
  get isSettling(): boolean {
    return this.#state.alive && this.#status.observed !== 'RUNNING';
  }

  define(manifest: StackManifest): void {
    const { service, component } = definitionOf(manifest, this.given.service, this.given.component);
    this.#definition = { inputs: watchInputsOf(this.given), service, component };
  }

  /** Reads what the keeper wrote; true when the status changed. */
  look(): boolean {
    const before = this.#state;
    this.#state = readState(this.dir);
    if (this.#state.alive && (!before.alive || before.process?.startTime !== this.#state.process?.startTime)) {
      this.#aliveSince = performance.now();
    }
    return this.#judge();
  }

  /** Asks the process whether it is ready and well; true when the status changed. */
  async probe(): Promise<boolean> {
    const definition = this.#definition;
    const process = definition?.component.process;
    const startTime = this.#state.process?.startTime;
    if (!definition || !process || !this.#state.alive || startTime === undefined) return false;
    const { health, role } = definition.component;
    const processAlive = (): boolean => readState(this.dir).alive;
    const names = Object.keys(health);
    const asked = (probe: Probe): Promise<Answer> => ask(definition, probe, { processAlive });
    const [ready, roleAnswer, answers] = await Promise.all([
      asked(process.ready),
      role ? asked(role) : undefined,
      Promise.all(Object.values(health).map(asked)),
    ]);
    const before = this.#probed?.startTime === startTime ? this.#probed : undefined;
    const failed = !ready.ok || answers.some(({ ok }) => !ok);
    this.#probed = {
      startTime,
      ready,
      wasReady: ready.ok || (before?.wasReady ?? false),
      health: Object.fromEntries(answers.map((answer, index) => [names[index] ?? '', answer])),
      role: roleAnswer?.ok ? textOf(roleAnswer.value) : '',
      failures: failed ? (before?.failures ?? 0) + 1 : 0,
    };
    return this.look();
  }

  #judge(): boolean {
    const readyMs = this.#definition?.component.process?.readyMs ?? READY_MS;
    const aliveMs = performance.now() - this.#aliveSince;
    // Without its definition nothing can be asked: a live process is all that is known.
    const { observed, message } =
      this.#definition || !this.#state.alive
        ? judge(this.#state, this.#probed, { aliveMs, readyMs })
        : ({ observed: 'RUNNING', message: 'Its process runs; how to ask it is not known yet.' } as const);
    const next = this.#compute(observed, message);
    const before = this.#status;
    if (JSON.stringify({ ...next, sinceMs: 0 }) === JSON.stringify({ ...before, sinceMs: 0 })) return false;
    this.#status = next;
    return true;
  }

  #compute(observed: string, message: string): ComponentStatus {
    const { alive, process, restarts } = this.#state;
    const probed = alive && this.#probed?.startTime === process?.startTime ? this.#probed : undefined;
    const before = this.#status as ComponentStatus | undefined;
    return {
      hostComponentId: this.id,
      observed,
      message,
      role: probed?.role ?? '',
      restarts,
      pid: alive ? (process?.pid ?? 0) : 0,
      sinceMs: before?.observed === observed ? (before.sinceMs ?? 0) : Date.now(),
      health: Object.fromEntries(Object.entries(probed?.health ?? {}).map(([name, { ok }]) => [name, ok])),
      ordinal: this.given.self?.ordinal ?? 0,
    };
  }
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);
}
