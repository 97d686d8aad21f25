import { executor, type session } from '@stackyard/agent';
import type { Process } from '../time/process.ts';
import type { Undo } from '../time/timeline.ts';
import type { AgentDisk } from './agentDisk.ts';
import type { Host } from './host.ts';
import type { Runner, Word } from './runner.ts';
import { idOf } from './spool.ts';

export interface AgentWorkOptions {
  readonly host: Host;
  /** Of the agent. */
  readonly process: Process;
  readonly disk: AgentDisk;
  /** To the session. */
  readonly say: (happening: session.Happening) => void;
  /** What the agent before left is known. */
  readonly recovered: (attempts: readonly executor.RecoveredAttempt[]) => void;
  readonly startAsked: (attempt: session.AttemptRef) => void;
  readonly alert: (message: string) => void;
}

/** A runner that was released and says nothing for so long is not waited for. */
const SILENT_MS = 10_000;
const POLL_MS = 250;

/** What an agent does about attempts: the real executor, with the disk, the runners and the processes of its host. */
export class AgentWork {
  readonly #options: AgentWorkOptions;
  readonly #runners = new Map<number, Runner>();
  readonly #preparing = new Map<string, Undo>();
  readonly #executor: executor.ExecutorState;

  constructor(options: AgentWorkOptions) {
    this.#options = options;
    this.#executor = executor.createExecutorState(options.host.bootId);
  }

  /** With its process: what it started lives on. */
  leave(): void {
    for (const runner of this.#runners.values()) runner.hangUp();
  }

  happened(event: executor.ExecutorHappening): void {
    const effects = executor.stepExecutor(this.#executor, { ...event, now: this.#options.process.now });
    for (const effect of effects) this.#do(effect);
  }

  #do(effect: executor.ExecutorEffect): void {
    switch (effect.kind) {
      case 'writeCommand':
        return this.#options.disk.writeCommand(effect.order);
      case 'prepare':
        return this.#prepare(effect.attempt);
      case 'abandon':
        this.#preparing.get(idOf(effect.attempt))?.();
        return;
      case 'assign':
        return this.#assign(effect);
      case 'release':
        return this.#release(effect);
      case 'dismiss':
        this.#runners.get(effect.runner)?.hangUp();
        this.#runners.delete(effect.runner);
        return;
      case 'fence':
        return this.#options.disk.fence(effect.attempt, effect.tryNumber);
      case 'follow':
        return this.#follow(effect.attempt, effect.decision);
      case 'readExit':
        return this.#options.disk.readExit(effect);
      case 'endProcesses':
        return this.#endProcesses(effect);
      case 'writeExit':
        this.#options.process.after(effect.afterMs, () => this.#options.disk.writeExit(effect.attempt, effect.exit));
        return;
      case 'bury':
        return this.#options.disk.bury(effect.attempt);
      case 'settle':
        return this.#options.disk.settle(effect.attempt);
      case 'say':
        return this.#options.say(effect.happening);
      case 'recovered':
        return this.#options.recovered(effect.attempts);
      case 'alert':
        return this.#options.alert(effect.message);
    }
  }

  #prepare(attempt: session.AttemptRef): void {
    const id = idOf(attempt);
    const { prepareMs } = this.#options.host.planOf(attempt);
    const done = this.#options.process.after(prepareMs, () => {
      this.#preparing.delete(id);
      this.happened({ kind: 'prepared', attempt });
    });
    this.#preparing.set(id, () => {
      done();
      this.#preparing.delete(id);
      const message = 'It was not prepared to its end.';
      this.#options.process.later(0, () =>
        this.happened({ kind: 'notPrepared', attempt, reason: 'EXIT_NONZERO', message }),
      );
    });
  }

  #assign({ attempt, tryNumber, runner: number }: Extract<executor.ExecutorEffect, { kind: 'assign' }>): void {
    const entry = this.#options.disk.entryOf(attempt);
    const owner = {
      heard: (runner: Runner, word: Word) =>
        this.#options.process.happen(() => this.#heard(attempt, number, runner, word)),
      gone: () => this.#options.process.happen(() => this.happened({ kind: 'runnerGone', attempt, runner: number })),
    };
    const runner = this.#options.host.take(owner, { entry, tryNumber });
    this.#runners.set(number, runner);
  }

  #release({ attempt, runner: number }: Extract<executor.ExecutorEffect, { kind: 'release' }>): void {
    this.#options.startAsked(attempt);
    this.#runners.get(number)?.release();
    this.#options.process.after(SILENT_MS, () => this.happened({ kind: 'runnerSilent', attempt, runner: number }));
  }

  #heard(attempt: session.AttemptRef, number: number, runner: Runner, word: Word): void {
    switch (word) {
      case 'ready':
        return;
      case 'decided': {
        const { decision } = runner.assignment.entry;
        if (typeof decision !== 'string') this.happened({ kind: 'decided', attempt, runner: number, decision });
        return;
      }
      case 'fenced':
        return this.happened({ kind: 'runnerFenced', attempt, runner: number });
      case 'done':
        return this.happened({ kind: 'runnerDone', attempt, runner: number });
    }
  }

  /** Looks now and then whether its `exit` is there or its process is gone. */
  #follow(attempt: session.AttemptRef, decision: executor.Decision): void {
    this.#options.process.after(POLL_MS, () => {
      if (this.#executor.attempts.get(idOf(attempt))?.standing === 'EXITED') return;
      const entry = this.#options.host.spool.entries.get(idOf(attempt));
      if (!entry) return;
      if (entry.exit || !this.#options.host.isAlive(decision)) this.happened({ kind: 'exitSeen', attempt });
      else this.#follow(attempt, decision);
    });
  }

  #endProcesses(effect: Extract<executor.ExecutorEffect, { kind: 'endProcesses' }>): void {
    const { attempt, decision, graceMs, ending, afterMs } = effect;
    const { host } = this.#options;
    const { cookie } = decision;
    const killed = (): void => {
      host.killAll(cookie);
      this.#options.process.later(host.scanMs, () => this.happened({ kind: 'processesEnded', attempt }));
    };
    this.#options.process.after(afterMs, () => {
      if (ending !== undefined) this.#options.disk.entryOf(attempt).ending = ending;
      host.signal(cookie);
      this.#wait(graceMs, () => !host.hasProcesses(cookie), killed);
    });
  }

  /** Until it is so, but not longer. */
  #wait(limitMs: number, isSo: () => boolean, then: () => void): void {
    const stepMs = Math.min(50, limitMs);
    if (limitMs <= 0 || isSo()) return then();
    this.#options.process.after(stepMs, () => this.#wait(limitMs - stepMs, isSo, then));
  }
}
