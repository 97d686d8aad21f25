import { basename } from 'node:path';
import type { ComponentStatus, WatchedComponent__Output } from '@stackyard/proto';
import type { Json, StackManifest } from '@stackyard/sdk/manifest';
import { componentDir } from '@stackyard/sdk/render';
import { watchInputsOf } from '../envelope.ts';
import { type Definition, definitionOf } from '../phases/context.ts';
import { ExecProbes } from '../probes/exec.ts';
import { type ComponentState, readState } from '../processes/state.ts';
import { allWell, Answering, type Answers, askAll, better } from './asking.ts';
import { judge, type Probed } from './judge.ts';

const READY_MS = 60_000;
/** Programs of probes are run so often at most, however often a component is looked at. */
const EXEC_MS = 5_000;

/** One component of this host as the supervisor sees it: what is known, and the status that follows. */
export class Watched {
  readonly id: string;
  readonly dir: string;
  readonly given: WatchedComponent__Output;
  readonly #answering: Answering;
  readonly programs: ExecProbes;
  #definition: Definition | undefined;
  #state: ComponentState;
  #probed: Probed | undefined;
  #aliveSince = 0;
  #status: ComponentStatus;

  /** `before` is the same component as it was given earlier: what is known of its process goes on. */
  constructor(given: WatchedComponent__Output, root: string, before?: Watched) {
    this.given = given;
    this.id = given.self?.hostComponentId ?? '';
    this.dir = componentDir(root, this.id);
    this.#state = readState(this.dir);
    this.#answering = before ? before.#answering : new Answering(this.dir);
    this.programs = before?.programs ?? new ExecProbes(EXEC_MS);
    this.#aliveSince = performance.now();
    if (before) {
      this.#aliveSince = before.#aliveSince;
      this.#probed = before.#probed;
      if (before.#definition && before.given.artifactDigest === given.artifactDigest)
        this.#definition = { ...before.#definition, inputs: watchInputsOf(given) };
    }
    this.#status = before ? before.#status : this.#compute('UNKNOWN', 'It has not been looked at yet.');
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

  /** Still on its way to its first answer, or to its role: look often. */
  get isSettling(): boolean {
    if (!this.#state.alive) return false;
    const young = performance.now() - this.#aliveSince < READY_MS;
    const lacksRole = this.#definition?.component.role !== undefined && this.#status.role === '';
    return this.#status.observed !== 'RUNNING' || (young && lacksRole);
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
      this.programs.forget();
    }
    return this.#judge();
  }

  /** Asks the process whether it is ready and well; true when the status changed. */
  async probe(): Promise<boolean> {
    const definition = this.#definition;
    const startTime = this.#state.process?.startTime;
    if (!definition || !this.#state.alive || startTime === undefined) return false;
    const before = this.#probed?.startTime === startTime ? this.#probed : undefined;
    let answers = await this.#ask(definition);
    if (answers?.ready.ok && !before?.wasReady && !allWell(answers)) {
      // What a program said of it while it was not ready stands for a while, and counts no more.
      this.programs.forget();
      answers = await this.#ask(definition);
    }
    if (!answers) return false;
    const { ready, role, health } = answers;
    const failed = !ready.ok || Object.values(health).some(({ ok }) => !ok);
    this.#probed = {
      startTime,
      ready,
      wasReady: ready.ok || (before?.wasReady ?? false),
      health,
      role: role?.ok ? textOf(role.value) : '',
      failures: failed ? (before?.failures ?? 0) + 1 : 0,
    };
    return this.look();
  }

  /** By the newest values or, until a restart brings them to the process, by those it answered to before. */
  async #ask(definition: Definition): Promise<Answers | undefined> {
    const newest = await askAll(definition, this);
    if (!newest) return undefined;
    if (allWell(newest)) {
      await this.#answering.remember(this.given);
      return newest;
    }
    const before = this.#answering.earlierThan(definition, this.given);
    const earlier = before && (await askAll(before, this));
    return earlier ? better(newest, earlier) : newest;
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
