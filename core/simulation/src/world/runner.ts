import { executor } from '@stackyard/agent';
import type { TaskPlan } from '../scenario/scenario.ts';
import { Process } from '../time/process.ts';
import type { Host } from './host.ts';
import type { Entry } from './spool.ts';
import { idOf } from './spool.ts';

export interface Assignment {
  readonly entry: Entry;
  readonly tryNumber: number;
}

export type Word = 'ready' | 'decided' | 'fenced' | 'done';

/** Who started it and reads its pipe. */
export interface Owner {
  heard(runner: Runner, word: Word): void;
  gone(runner: Runner): void;
}

const PIPE_MS = 1;
/** From SIGTERM to the end of a function that minds it. */
const OBEY_MS = 50;

/** The process that runs the script of one attempt; the agent that started it may be gone long before. */
export class Runner {
  readonly pid: number;
  readonly cookie: string;
  readonly process: Process;
  readonly assignment: Assignment;
  readonly #host: Host;
  readonly #plan: TaskPlan;
  readonly #state = executor.createRunnerState();
  readonly #startedAt: number;
  #owner: Owner | undefined;
  readonly #unread: executor.RunnerEvent[] = [];
  #listening = false;
  #over = false;
  #runs = false;
  #left = false;

  constructor(
    host: Host,
    from: { readonly pid: number; readonly owner: Owner; readonly assignment: Assignment; readonly plan: TaskPlan },
  ) {
    this.#host = host;
    this.pid = from.pid;
    this.cookie = `runner-${host.index}-${from.pid}`;
    this.process = new Process(host.timeline, host.clock);
    this.#owner = from.owner;
    this.assignment = from.assignment;
    this.#plan = from.plan;
    this.#startedAt = host.wallMs();
    // The next one of an attempt finds what it needs in memory.
    const { runnerMs } = this.#plan;
    this.process.later(this.assignment.tryNumber > 1 ? Math.min(runnerMs, 1_000) : runnerMs, () => this.#listen());
  }

  get alive(): boolean {
    return this.process.alive;
  }

  get attemptId(): string {
    return idOf(this.assignment.entry.ref);
  }

  /** Its script has been started: processes of the attempt may be left when it is killed. */
  get runs(): boolean {
    return this.#runs;
  }

  release(): void {
    this.#read({ kind: 'released' });
  }

  /** The other end of its pipe is closed, after what was written there. */
  hangUp(): void {
    this.#owner = undefined;
    this.#read({ kind: 'pipeClosed' });
  }

  /** SIGTERM. */
  signal(): void {
    this.process.later(0, () => this.#happen({ kind: 'signalled', ending: this.assignment.entry.ending }));
  }

  /** SIGKILL, or the loss of power. */
  kill(): void {
    if (!this.alive) return;
    this.process.kill();
    this.#host.trace.note(this.#name, 'killed', this.attemptId);
    this.#end();
  }

  get #name(): string {
    return `h${this.#host.index}/r${this.pid}`;
  }

  #read(event: executor.RunnerEvent): void {
    this.process.later(PIPE_MS, () => {
      if (this.#listening) this.#happen(event);
      else this.#unread.push(event);
    });
  }

  /** It reads its pipe from here on, and first what is in there. */
  #listen(): void {
    this.#listening = true;
    for (const event of [{ kind: 'assigned' } as const, ...this.#unread]) if (this.alive) this.#happen(event);
  }

  #happen(event: executor.RunnerEvent): void {
    this.#host.trace.note(this.#name, event.kind, this.attemptId);
    for (const effect of executor.stepRunner(this.#state, event)) this.#carryOut(effect);
  }

  #carryOut(effect: executor.RunnerEffect): void {
    const { entry } = this.assignment;
    switch (effect.kind) {
      case 'decide':
        return this.#write(() => this.#decide());
      case 'say':
        return this.#say(effect.word);
      case 'load':
      case 'adoptOutput':
        return;
      case 'run':
        return this.#run();
      case 'abort':
        if (this.#plan.onTerm === 'ends') this.process.after(OBEY_MS, () => this.#scriptEnded(143));
        return;
      case 'writeExit':
        return this.#write(() => {
          const { outcome } = effect;
          const { logSize } = entry;
          entry.finish({ ...outcome, startedAt: this.#startedAt, durationMs: this.#plan.durationMs, logSize });
          this.#host.sync(this.process, entry, () => this.#happen({ kind: 'exitWritten' }));
        });
      case 'leave':
        this.process.kill();
        return this.#end();
    }
  }

  /** A write into a directory that is gone ends the process. */
  #write(write: () => void): void {
    this.process.later(this.#host.diskMs(), () => {
      if (this.#host.spool.entries.get(this.attemptId) === this.assignment.entry) write();
      else this.kill();
    });
  }

  #decide(): void {
    const { entry, tryNumber } = this.assignment;
    const host = this.#host;
    const won = entry.decide(tryNumber, {
      verdict: 'run',
      by: 'runner',
      pid: this.pid,
      startTime: this.pid,
      bootId: host.bootId,
      cookie: this.cookie,
      decidedAt: host.wallMs(),
      decidedMono: this.process.now,
    });
    host.sync(this.process, entry, () => this.#happen({ kind: 'decided', won }));
  }

  #run(): void {
    const { entry } = this.assignment;
    this.#runs = true;
    this.#host.scriptStarted(this);
    const { logBytes, durationMs } = this.#plan;
    for (const share of logBytes > 0 ? [0, 0.3, 0.9] : []) {
      this.process.after(durationMs * share, () => !this.#over && entry.print(Math.floor(logBytes * share)));
    }
    this.process.after(this.#plan.durationMs, () => this.#scriptEnded(this.#plan.exitCode));
  }

  #scriptEnded(exitCode: number): void {
    if (this.#over) return;
    this.#over = true;
    const { entry } = this.assignment;
    entry.print(this.#plan.logBytes);
    if (this.#plan.forks && exitCode !== 0) this.#host.adopt(this);
    this.#host.observer.see({ kind: 'scriptEnded', attemptId: this.attemptId, exitCode });
    const failed = { exitCode, reason: 'EXIT_NONZERO', message: `It ended with code ${exitCode}.` };
    this.#happen({ kind: 'ended', outcome: exitCode === 0 ? { exitCode } : failed });
  }

  #say(word: Word): void {
    const owner = this.#owner;
    this.#host.timeline.after(PIPE_MS, () => owner?.heard(this, word));
  }

  #end(): void {
    if (this.#left) return;
    this.#left = true;
    this.#host.runnerGone(this);
    const owner = this.#owner;
    this.#host.timeline.after(PIPE_MS, () => owner?.gone(this));
  }
}
