import type { executor, session } from '@stackyard/agent';
import type { Scenario, TaskPlan } from '../scenario/scenario.ts';
import type { LocalClock, Process } from '../time/process.ts';
import type { Random } from '../time/random.ts';
import type { Timeline } from '../time/timeline.ts';
import type { Trace } from '../time/trace.ts';
import type { Wanted } from './ledger.ts';
import type { Link } from './link.ts';
import type { Observer } from './observer.ts';
import { type Assignment, type Owner, Runner } from './runner.ts';
import { type Entry, idOf, Spool } from './spool.ts';

export interface HostOptions {
  readonly index: number;
  readonly id: string;
  readonly scenario: Scenario;
  readonly timeline: Timeline;
  readonly random: Random;
  readonly trace: Trace;
  readonly observer: Observer;
  readonly link: Link;
  readonly wanted: ReadonlyMap<string, Wanted>;
  /** Live processes by attempt, of all hosts. */
  readonly living: Map<string, number>;
}

/** The wall clock of every machine at the start of a run, in milliseconds since 1970. */
export const START_MS = 1_800_000_000_000;
const SCAN_MS = 40;

/** A machine: its disk and its processes live on when its agent does not. */
export class Host {
  readonly index: number;
  readonly id: string;
  readonly timeline: Timeline;
  readonly random: Random;
  readonly trace: Trace;
  readonly observer: Observer;
  readonly link: Link;
  readonly #options: HostOptions;
  #boots = 0;
  #clock: LocalClock;
  #runners: Runner[] = [];
  /** Processes that outlived their runner, by cookie. */
  readonly #orphans = new Map<string, string>();
  #lastPid = 100;
  #spools = 0;
  readonly #deleted: Spool[] = [];
  spool: Spool;
  /** The fence file, as it is read and as it is synced. */
  fence: { value: session.Fence | undefined; synced: session.Fence | undefined } = {
    value: undefined,
    synced: undefined,
  };

  constructor(options: HostOptions) {
    this.#options = options;
    this.index = options.index;
    this.id = options.id;
    this.timeline = options.timeline;
    this.random = options.random;
    this.trace = options.trace;
    this.observer = options.observer;
    this.link = options.link;
    this.#clock = { rate: options.scenario.clocks.hosts[this.index] ?? 1, since: 0 };
    this.spool = this.#newSpool();
  }

  get bootId(): string {
    return `boot-${this.index}-${this.#boots}`;
  }

  get clock(): LocalClock {
    return this.#clock;
  }

  wallMs(): number {
    return START_MS + this.timeline.now;
  }

  /** How long one step of the disk takes. */
  diskMs(): number {
    return this.#options.scenario.disk.latencyMs * this.random.between(0.5, 1.5);
  }

  /** Makes what an entry holds survive a loss of power; what it held when that was asked for. */
  sync(process: Process, entry: Entry, then: () => void): void {
    process.later(this.diskMs(), () => {
      this.synced(entry);
      then();
    });
  }

  /** What an entry holds is on the disk. */
  synced(entry: Entry): void {
    // Its directory was removed between the write and this: there is nothing that could survive anything.
    if (this.spool.entries.get(idOf(entry.ref)) !== entry) return;
    entry.sync();
    if (entry.exit) this.#exitDurable(entry, entry.exit.value);
  }

  take(owner: Owner, assignment: Assignment): Runner {
    this.#lastPid += 1;
    const plan = this.planOf(assignment.entry.ref);
    const runner = new Runner(this, { pid: this.#lastPid, owner, assignment, plan });
    this.#runners.push(runner);
    return runner;
  }

  planOf({ taskId }: session.AttemptRef): TaskPlan {
    return this.#options.wanted.get(taskId)!.plan;
  }

  isAlive({ pid, bootId }: Pick<executor.Decision, 'pid' | 'bootId'>): boolean {
    return bootId === this.bootId && this.#runners.some((runner) => runner.pid === pid && runner.alive);
  }

  /** SIGTERM to everything with the cookie. */
  signal(cookie: string): void {
    for (const runner of this.#runners) if (runner.cookie === cookie) runner.signal();
    // What was left behind minds it no less than a script does.
    this.#killOrphan(cookie);
  }

  hasProcesses(cookie: string): boolean {
    return this.#orphans.has(cookie) || this.#runners.some((runner) => runner.cookie === cookie && runner.alive);
  }

  /** SIGKILL to everything with the cookie. */
  killAll(cookie: string): void {
    for (const runner of this.#runners) {
      if (runner.cookie !== cookie) continue;
      runner.kill();
    }
    this.#killOrphan(cookie);
  }

  /** What it takes to be sure that nothing is left. */
  get scanMs(): number {
    return SCAN_MS;
  }

  /** A fault kills one of its runners; its children stay. */
  killRunner(): void {
    const running = this.#runners.filter(({ runs }) => runs);
    if (running.length === 0) return;
    const runner = this.random.pick(running);
    this.observer.see({ kind: 'killed', attemptId: runner.attemptId, by: 'fault' });
    if (this.planOf(runner.assignment.entry.ref).forks) this.adopt(runner);
    runner.kill();
  }

  /** The power goes and comes back: another boot, its clock from 0. */
  reboot(): void {
    for (const runner of this.#runners) {
      this.observer.see({ kind: 'killed', attemptId: runner.attemptId, by: 'power' });
      runner.kill();
    }
    for (const cookie of this.#orphans.keys()) this.#killOrphan(cookie);
    this.spool.losePower(this.random, this.#options.scenario.disk.lostShare);
    if (this.random.chance(this.#options.scenario.disk.lostShare)) this.fence.value = this.fence.synced;
    this.#boots += 1;
    this.#clock = { rate: this.#clock.rate, since: this.timeline.now };
    this.observer.see({ kind: 'rebooted', host: this.index });
  }

  /** SIGKILL to everything that attempts of this host have started. */
  endStrays(): void {
    for (const runner of this.#runners) runner.kill();
    for (const cookie of this.#orphans.keys()) this.#killOrphan(cookie);
  }

  /** What was once printed, also where it has been deleted since: it may be on its way to the server. */
  printedBy(attemptId: string): Entry | undefined {
    return [this.spool, ...this.#deleted].map(({ entries }) => entries.get(attemptId)).find((entry) => entry);
  }

  deleteSpool(): void {
    this.#deleted.push(this.spool);
    this.spool = this.#newSpool();
    this.observer.see({ kind: 'journalLost', host: this.index });
  }

  scriptStarted(runner: Runner): void {
    const { attemptId } = runner;
    const hash = runner.assignment.entry.command?.value.order.hash ?? '';
    this.trace.note(`h${this.index}`, 'SCRIPT STARTS', attemptId);
    this.observer.see({ kind: 'scriptStarted', attemptId, host: this.index, hash });
    this.#count(attemptId, 1);
  }

  runnerGone(runner: Runner): void {
    this.#runners = this.#runners.filter((other) => other !== runner);
    if (runner.runs) this.#count(runner.attemptId, -1);
  }

  /** A process of the attempt stays when its runner goes. */
  adopt(runner: Runner): void {
    if (this.#orphans.has(runner.cookie)) return;
    this.#orphans.set(runner.cookie, runner.attemptId);
    this.#count(runner.attemptId, 1);
    const { durationMs } = this.planOf(runner.assignment.entry.ref);
    const { cookie } = runner;
    this.timeline.after(durationMs, () => this.#killOrphan(cookie));
  }

  #killOrphan(cookie: string): void {
    const attemptId = this.#orphans.get(cookie);
    if (attemptId === undefined) return;
    this.#orphans.delete(cookie);
    this.#count(attemptId, -1);
  }

  #count(attemptId: string, change: 1 | -1): void {
    const { living } = this.#options;
    const count = (living.get(attemptId) ?? 0) + change;
    if (count > 0) living.set(attemptId, count);
    else living.delete(attemptId);
    this.observer.see({ kind: change > 0 ? 'processStarted' : 'processEnded', attemptId, host: this.index });
  }

  #exitDurable(entry: Entry, { reason }: executor.ExitRecord): void {
    const hash = entry.command?.value.order.hash ?? '';
    this.observer.see({ kind: 'exitDurable', attemptId: idOf(entry.ref), reason, hash });
  }

  #newSpool(): Spool {
    this.#spools += 1;
    return new Spool(`journal-${this.index}-${this.#spools}`);
  }
}
