import { order } from '../session/testing.ts';
import type { AttemptRef } from '../session/messages.ts';
import type { Accepted, Decision, ExitRecord } from './records.ts';
import { createExecutorState, type ExecutorEffect, type ExecutorHappening, type ExecutorState } from './state.ts';
import { stepExecutor } from './step.ts';

export const task: AttemptRef = { taskId: 'task-a', number: 1 };

export const accepted: Accepted = {
  taskId: 'task-a',
  number: 1,
  hash: 'h',
  bootId: 'boot',
  acceptedAt: 0,
  acceptedMono: 0,
};

export const run: Decision = {
  verdict: 'run',
  by: 'runner',
  pid: 7,
  startTime: 8,
  bootId: 'boot',
  cookie: 'c',
  decidedAt: 1_000,
  decidedMono: 10,
};

export const abort: Decision = { ...run, verdict: 'abort', by: 'agent' };
export const good: ExitRecord = { exitCode: 0, startedAt: 1_000, durationMs: 5 };
export const bad: ExitRecord = { exitCode: 1, reason: 'EXIT_NONZERO', message: 'No.', startedAt: 1_000, durationMs: 5 };

/** An executor to talk to in tests: events in, effects out, the clock in hand. */
export class Host {
  readonly state: ExecutorState = createExecutorState('boot');
  now = 0;

  happen(...events: readonly ExecutorHappening[]): readonly ExecutorEffect[] {
    return events.flatMap((event) => stepExecutor(this.state, { ...event, now: this.now }));
  }

  /** Journaled and prepared, with a runner that waits for its release. */
  accepted(startUntil?: number): this {
    this.happen(
      { kind: 'journal', order: order(task), startUntil },
      { kind: 'prepared', attempt: task },
      { kind: 'commandWritten', attempt: task },
    );
    return this;
  }

  /** Decided by runner 1. */
  running(): this {
    this.accepted().happen(
      { kind: 'start', attempt: task, until: Infinity },
      { kind: 'decided', attempt: task, runner: 1, decision: run },
    );
    return this;
  }

  get standing(): string | undefined {
    return this.state.attempts.get('task-a/1')?.standing;
  }
}

/** One line for each effect, with what tells it apart. */
export function lines(effects: readonly ExecutorEffect[]): string[] {
  return effects.map((effect) => {
    switch (effect.kind) {
      case 'say': {
        const { happening } = effect;
        return happening.kind === 'exited'
          ? `say exited ${happening.result.reason ?? 'OK'}`
          : happening.kind === 'notJournaled'
            ? `say notJournaled ${happening.reason}`
            : `say ${happening.kind}`;
      }
      case 'assign':
        return `assign try ${effect.tryNumber} to runner ${effect.runner}`;
      case 'release':
      case 'dismiss':
        return `${effect.kind} runner ${effect.runner}`;
      case 'fence':
        return `fence try ${effect.tryNumber}`;
      case 'readExit':
        return effect.sync ? 'sync and read exit' : 'read exit';
      case 'endProcesses':
        return `end processes: grace ${effect.graceMs}, ${effect.ending ?? 'silently'}, after ${effect.afterMs}`;
      case 'writeExit':
        return `write exit ${effect.exit.reason ?? 'OK'} after ${effect.afterMs}`;
      case 'recovered':
        return `recovered ${effect.attempts.map(({ standing, result }) => `${standing}${result?.reason ? ` ${result.reason}` : ''}`).join(', ')}`;
      case 'writeCommand':
      case 'prepare':
      case 'abandon':
      case 'follow':
      case 'bury':
      case 'settle':
      case 'alert':
        return effect.kind;
    }
  });
}
