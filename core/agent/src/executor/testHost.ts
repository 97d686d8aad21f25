import { order } from '../session/testing.ts';
import type { Happening } from '../session/driver.ts';
import type { AttemptRef, AttemptResult } from '../session/messages.ts';
import { unstarted } from '../session/run.ts';
import type { Accepted, Decision, ExitRecord } from './records.ts';
import { createRunnerState, type RunnerEffect, type RunnerEvent, type RunnerState, stepRunner } from './runner.ts';
import {
  createExecutorState,
  type ExecutorEffect,
  type ExecutorHappening,
  type ExecutorState,
  type FoundEntry,
} from './state.ts';
import { stepExecutor } from './step.ts';
import { attemptId } from './turn.ts';

/** The files of one attempt, and which of them survive a power loss. */
interface Entry {
  accepted: Accepted;
  decisions: Map<number, Decision>;
  exit: { readonly record: ExitRecord; synced: boolean } | undefined;
  ending: string | undefined;
  settled: boolean;
}

interface SimRunner {
  readonly cookie: string;
  readonly ref: AttemptRef;
  readonly tryNumber: number;
  readonly state: RunnerState;
  readonly todo: (RunnerEffect | { readonly kind: 'syncExit' })[];
  /** Tells the agent that took it; undefined once that is gone. */
  tell: ((happening: ExecutorHappening) => void) | undefined;
  readonly number: number;
  alive: boolean;
}

/** What the server was told of attempts, and what really happened. */
export interface Ledger {
  readonly starts: Map<string, number>;
  readonly told: Map<string, AttemptResult>;
}

/** What disk and processes are asked for; each is done at a time of its own. */
type Due = Exclude<
  ExecutorEffect,
  { kind: 'say' | 'recovered' | 'assign' | 'release' | 'dismiss' | 'abandon' | 'alert' }
>;

type Wait = 'WAITING' | 'STARTING' | 'STARTED' | 'EXITED';

/** A host in memory: a disk that may lose what was not synced, runners that live on their own, an agent that may be killed. */
export class TestHost {
  readonly ledger: Ledger = { starts: new Map(), told: new Map() };
  readonly violations: string[] = [];
  readonly #disk = new Map<string, Entry>();
  #runners: SimRunner[] = [];
  /** Children that functions left behind, by the cookies of their runners. */
  #orphans = new Map<string, AttemptRef>();
  #agent!: ExecutorState;
  /** What was asked of disk and processes and is not done yet. */
  #due: Due[] = [];
  #said = new Map<string, Wait>();
  #boots = 0;
  #cookies = 0;
  #now = 0;

  constructor() {
    this.restartAgent();
  }

  get #bootId(): string {
    return `boot-${this.#boots}`;
  }

  // ---- what may happen

  journal(ref: AttemptRef, early: boolean): void {
    if (this.#disk.has(attemptId(ref)) || this.#agent.recovery !== 'TOLD') return;
    this.#happened({ kind: 'journal', order: order(ref), startUntil: early ? Infinity : undefined });
  }

  start(ref: AttemptRef, inTime: boolean): void {
    if (this.#said.get(attemptId(ref)) !== 'WAITING') return;
    this.#said.set(attemptId(ref), 'STARTING');
    this.#happened({ kind: 'start', attempt: ref, until: inTime ? Infinity : this.#now });
  }

  cancel(ref: AttemptRef): void {
    const stands = this.#said.get(attemptId(ref));
    if (stands === 'WAITING') {
      this.#said.set(attemptId(ref), 'STARTING');
      this.#happened({ kind: 'finish', attempt: ref, result: unstarted('KILLED', 'Canceled.') });
    } else if (stands === 'STARTING' || stands === 'STARTED') {
      this.#happened({ kind: 'end', attempt: ref, graceMs: 0, reason: 'KILLED' });
    }
  }

  acknowledge(ref: AttemptRef): void {
    if (this.#said.get(attemptId(ref)) === 'EXITED') this.#happened({ kind: 'settle', attempt: ref });
  }

  /** Disk and processes do one of the things that were asked of them, in any order. */
  work(pick: number): boolean {
    const able = this.#due.filter((effect) => effect.kind !== 'follow' || this.#isToBeSeen(effect));
    const effect = able[pick % Math.max(1, able.length)];
    if (!effect) return false;
    this.#due.splice(this.#due.indexOf(effect), 1);
    const happening = this.#perform(effect);
    if (happening) this.#happened(happening);
    return true;
  }

  /** One runner goes one step on. */
  runnerWorks(pick: number): boolean {
    const able = this.#runners.filter(({ alive, todo }) => alive && todo.length > 0);
    const runner = able[pick % Math.max(1, able.length)];
    const effect = runner?.todo.shift();
    if (!runner || !effect) return false;
    this.#carryOut(runner, effect);
    return true;
  }

  killRunner(pick: number): void {
    const alive = this.#runners.filter((runner) => runner.alive);
    const runner = alive[pick % Math.max(1, alive.length)];
    if (runner) this.#die(runner);
  }

  /** kill -9: some of what was asked for is done, and nobody hears of it. */
  killAgent(done: readonly boolean[]): void {
    this.#due.forEach((effect, index) => done[index % Math.max(1, done.length)] && this.#perform(effect));
    for (const runner of this.#runners.filter(({ alive }) => alive)) {
      this.#runnerEvent(runner, { kind: 'pipeClosed' });
    }
    this.restartAgent();
  }

  /** Power loss: what was not synced is gone, or not. */
  reboot(kept: readonly boolean[]): void {
    this.#boots += 1;
    this.#runners = [];
    this.#orphans = new Map();
    let asked = 0;
    const isKept = (): boolean => kept[asked++ % Math.max(1, kept.length)] ?? false;
    for (const entry of this.#disk.values()) {
      for (const tryNumber of entry.decisions.keys()) if (!isKept()) entry.decisions.delete(tryNumber);
      if (entry.exit && !entry.exit.synced && !isKept()) entry.exit = undefined;
      if (!isKept()) entry.ending = undefined;
    }
    this.restartAgent();
  }

  restartAgent(): void {
    this.#due = [];
    this.#said = new Map();
    for (const runner of this.#runners) runner.tell = undefined;
    this.#agent = createExecutorState(this.#bootId);
    const found: FoundEntry[] = [];
    for (const { accepted, decisions, exit, ending, settled } of this.#disk.values()) {
      if (settled) continue;
      const tryNumber = Math.max(0, ...decisions.keys());
      const decision = decisions.get(tryNumber) ?? 'none';
      const runnerAlive = decision !== 'none' && this.#isAlive(decision);
      if (exit) exit.synced = true;
      found.push({ accepted, tryNumber, decision, exit: exit?.record ?? 'none', ending, runnerAlive, logSize: 0 });
    }
    this.#happened({ kind: 'boot', found, quarantined: [] });
  }

  /** Nothing more goes wrong: everything that was begun comes to its end. */
  heal(refs: readonly AttemptRef[]): void {
    for (let round = 0; round < 2_000; round += 1) {
      for (const ref of refs) this.start(ref, true);
      if (!this.work(0) && !this.runnerWorks(0)) break;
    }
  }

  get unfinished(): string[] {
    const attempts = [...this.#agent.attempts.values()].filter(({ standing }) => standing !== 'EXITED');
    return [
      ...attempts.map(({ ref, standing }) => `${attemptId(ref)} ${standing}`),
      ...this.#runners.flatMap(({ alive, ref, state }) =>
        alive ? [`runner of ${attemptId(ref)} ${state.standing}`] : [],
      ),
    ];
  }

  // ---- the agent

  #happened(happening: ExecutorHappening): void {
    this.#now += 1;
    const agent = this.#agent;
    for (const effect of stepExecutor(agent, { ...happening, now: this.#now })) {
      if (this.#agent !== agent) return;
      this.#ask(effect);
    }
  }

  #ask(effect: ExecutorEffect): void {
    switch (effect.kind) {
      case 'say':
        return this.#hear(effect.happening);
      case 'recovered':
        for (const { attempt, standing, result } of effect.attempts) {
          this.#said.set(attemptId(attempt), standing);
          if (result) this.#toldResult(attempt, result);
        }
        return;
      case 'assign':
        return this.#assign(effect);
      case 'release':
      case 'dismiss': {
        const runner = this.#runners.find(({ number, tell }) => number === effect.runner && tell);
        if (!runner?.alive) return;
        this.#runnerEvent(runner, { kind: effect.kind === 'release' ? 'released' : 'pipeClosed' });
        return;
      }
      case 'abandon':
      case 'alert':
        return;
      case 'writeCommand':
      case 'prepare':
      case 'fence':
      case 'follow':
      case 'readExit':
      case 'endProcesses':
      case 'writeExit':
      case 'bury':
      case 'settle':
        this.#due.push(effect);
    }
  }

  #hear(happening: Happening): void {
    if (!('attempt' in happening)) return;
    const id = attemptId(happening.attempt);
    if (happening.kind === 'journaled' || happening.kind === 'postponed') this.#said.set(id, 'WAITING');
    if (happening.kind === 'started') this.#said.set(id, 'STARTED');
    if (happening.kind === 'exited') {
      this.#said.set(id, 'EXITED');
      this.#toldResult(happening.attempt, happening.result);
    }
  }

  #toldResult(ref: AttemptRef, result: AttemptResult): void {
    const id = attemptId(ref);
    const before = this.ledger.told.get(id);
    if (before && before.reason !== result.reason) {
      this.violations.push(`${id} was told as ${before.reason ?? 'OK'}, then as ${result.reason ?? 'OK'}`);
    }
    this.ledger.told.set(id, result);
    const { exit } = this.#entry(ref);
    if (!exit?.synced) this.violations.push(`${id} was told before its result was durable`);
    // A restart of the host may take the decision with it; nothing is said then of whether it had started.
    const isUnstarted = result.startedAtMs === 0 && result.reason !== 'HOST_REBOOTED';
    if (isUnstarted && this.ledger.starts.has(id)) this.violations.push(`${id} had started after all`);
    const processes = this.#runners.filter((runner) => runner.alive && hasDecided(runner)).map((runner) => runner.ref);
    const left = [...processes, ...this.#orphans.values()].some((each) => attemptId(each) === id);
    if (result.reason !== undefined && left) this.violations.push(`${id} was told as failed while it ran`);
  }

  // ---- the disk and the processes

  #entry(ref: AttemptRef): Entry {
    const entry = this.#disk.get(attemptId(ref));
    if (!entry) throw new Error(`no entry of ${attemptId(ref)}`);
    return entry;
  }

  #isToBeSeen({ attempt, decision }: Extract<ExecutorEffect, { kind: 'follow' }>): boolean {
    return this.#entry(attempt).exit !== undefined || !this.#isAlive(decision);
  }

  #perform(effect: Due): ExecutorHappening | undefined {
    switch (effect.kind) {
      case 'writeCommand': {
        const { attempt, hash } = effect.order;
        const accepted = { ...attempt, hash, bootId: this.#bootId, acceptedAt: 0, acceptedMono: this.#now };
        const fresh = { decisions: new Map<number, Decision>(), exit: undefined, ending: undefined, settled: false };
        this.#disk.set(attemptId(attempt), { accepted, ...fresh });
        return { kind: 'commandWritten', attempt };
      }
      case 'prepare':
        return { kind: 'prepared', attempt: effect.attempt };
      case 'fence': {
        const { attempt, tryNumber } = effect;
        const abort = { ...this.#decision('abort', ''), by: 'agent' as const };
        const decision = this.#link(attempt, tryNumber, abort);
        return { kind: 'fenced', attempt, tryNumber, won: decision === abort, decision };
      }
      case 'follow':
        return { kind: 'exitSeen', attempt: effect.attempt };
      case 'readExit': {
        const { attempt, decision, sync } = effect;
        const { exit } = this.#entry(attempt);
        if (exit && sync) exit.synced = true;
        const alive = decision !== undefined && this.#isAlive(decision);
        return { kind: 'exitRead', attempt, exit: exit?.record ?? 'none', alive, logSize: 0 };
      }
      case 'endProcesses': {
        const { attempt, decision, ending } = effect;
        if (ending !== undefined) this.#entry(attempt).ending = ending;
        this.#orphans.delete(decision.cookie);
        for (const runner of this.#runners) if (runner.cookie === decision.cookie && runner.alive) this.#die(runner);
        return { kind: 'processesEnded', attempt };
      }
      case 'writeExit': {
        const { attempt, exit } = effect;
        const held = this.#writeExit(attempt, exit);
        held.synced = true;
        return { kind: 'exitWritten', attempt, exit: held.record, logSize: 0 };
      }
      case 'bury':
        return { kind: 'buried', attempt: effect.attempt };
      case 'settle':
        this.#entry(effect.attempt).settled = true;
        return undefined;
    }
  }

  #link(ref: AttemptRef, tryNumber: number, decision: Decision): Decision {
    const { decisions } = this.#entry(ref);
    const held = decisions.get(tryNumber) ?? decision;
    decisions.set(tryNumber, held);
    return held;
  }

  #writeExit(ref: AttemptRef, record: ExitRecord): NonNullable<Entry['exit']> {
    const entry = this.#entry(ref);
    entry.exit ??= { record, synced: false };
    return entry.exit;
  }

  #decision(verdict: 'run' | 'abort', cookie: string): Decision {
    const times = { decidedAt: 1 + this.#now, decidedMono: this.#now };
    return { verdict, by: 'runner', pid: 1, startTime: 1, bootId: this.#bootId, cookie, ...times };
  }

  #isAlive({ cookie }: Decision): boolean {
    return this.#runners.some((runner) => runner.alive && runner.cookie === cookie);
  }

  // ---- runners

  #assign({ attempt, tryNumber, runner: number }: Extract<ExecutorEffect, { kind: 'assign' }>): void {
    const agent = this.#agent;
    this.#cookies += 1;
    const runner: SimRunner = {
      cookie: `cookie-${this.#cookies}`,
      ref: attempt,
      tryNumber,
      state: createRunnerState(),
      todo: [],
      tell: (happening) => this.#agent === agent && this.#happened(happening),
      number,
      alive: true,
    };
    this.#runners.push(runner);
    this.#runnerEvent(runner, { kind: 'assigned' });
  }

  #runnerEvent(runner: SimRunner, event: RunnerEvent): void {
    runner.todo.push(...stepRunner(runner.state, event));
  }

  #carryOut(runner: SimRunner, effect: SimRunner['todo'][number]): void {
    const { ref: attempt, number, cookie } = runner;
    switch (effect.kind) {
      case 'decide': {
        const own = this.#decision('run', cookie);
        const won = this.#link(attempt, runner.tryNumber, own) === own;
        return this.#runnerEvent(runner, { kind: 'decided', won });
      }
      case 'run': {
        const id = attemptId(attempt);
        this.ledger.starts.set(id, (this.ledger.starts.get(id) ?? 0) + 1);
        if (this.ledger.starts.get(id)! > 1) this.violations.push(`${id} started twice`);
        if (this.ledger.told.has(id)) this.violations.push(`${id} started after its result was told`);
        this.#orphans.set(cookie, attempt);
        const outcome = number % 2 === 0 ? { exitCode: 0 } : { exitCode: 1, reason: 'EXIT_NONZERO' };
        return this.#runnerEvent(runner, { kind: 'ended', outcome });
      }
      case 'writeExit': {
        this.#writeExit(attempt, { ...effect.outcome, startedAt: 1, durationMs: 1 });
        // It may be killed before the sync, so that comes as a step of its own.
        runner.todo.unshift({ kind: 'syncExit' });
        return;
      }
      case 'syncExit': {
        const { exit } = this.#entry(attempt);
        if (exit) exit.synced = true;
        return this.#runnerEvent(runner, { kind: 'exitWritten' });
      }
      case 'say':
        if (effect.word === 'fenced') runner.tell?.({ kind: 'runnerFenced', attempt, runner: number });
        if (effect.word === 'done') runner.tell?.({ kind: 'runnerDone', attempt, runner: number });
        if (effect.word !== 'decided') return;
        runner.tell?.({
          kind: 'decided',
          attempt,
          runner: number,
          decision: this.#entry(attempt).decisions.get(runner.tryNumber)!,
        });
        return;
      case 'load':
      case 'adoptOutput':
      case 'abort':
        return;
      case 'leave':
        return this.#die(runner);
    }
  }

  #die(runner: SimRunner): void {
    runner.alive = false;
    runner.tell?.({ kind: 'runnerGone', attempt: runner.ref, runner: runner.number });
  }
}

function hasDecided({ state }: SimRunner): boolean {
  return state.standing === 'RUNNING' || state.standing === 'LEAVING';
}
