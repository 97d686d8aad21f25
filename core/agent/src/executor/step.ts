import { onBuried, onBury, onCommandRefused, onCommandWritten, onFinish, onJournal, onSettle } from './accepting.ts';
import { onBoot, onQuarantinedSwept } from './boot.ts';
import { onEnd, onExitRead, onProcessesEnded, onProcessesSurvive } from './ending.ts';
import { look } from './moves.ts';
import {
  onDecided,
  onFenced,
  onNotPrepared,
  onPrepared,
  onRunnerFenced,
  onRunnerGone,
  onRunnerSilent,
  onStart,
} from './starting.ts';
import type { Attempt, ExecutorEffect, ExecutorEvent, ExecutorState } from './state.ts';
import { attemptId, exited, type Turn } from './turn.ts';

const rewriteMs = 5_000;

/**
 * What an agent does about the attempts of its host: journals them, starts each at most once, follows it, ends it, and
 * has a result on disk for it, over any crash of the agent, of runners and of the host. Replaces entries of
 * `state.attempts` in place; the same events give the same effects. No clock, no disk, no process: the events tell.
 */
export function stepExecutor(state: ExecutorState, event: ExecutorEvent): readonly ExecutorEffect[] {
  const turn: Turn = { state, effects: [], now: event.now };
  react(turn, event);
  return turn.effects;
}

function react(turn: Turn, event: ExecutorEvent): void {
  if (event.kind === 'boot') return onBoot(turn, event);
  if (event.kind === 'journal') return onJournal(turn, event);
  if (event.kind === 'bury') return onBury(turn, event.attempt);
  if (event.kind === 'buried') return onBuried(turn, event.attempt);
  const attempt = turn.state.attempts.get(attemptId(event.attempt));
  if (attempt) about(turn, attempt, event);
  else if (event.kind === 'processesEnded' || event.kind === 'processesSurvive') onQuarantinedSwept(turn, event);
  // Else settled, or refused: what was still under way for it comes to nothing.
}

type AboutAttempt = Exclude<ExecutorEvent, { kind: 'boot' | 'journal' | 'bury' | 'buried' }>;

function about(turn: Turn, attempt: Attempt, event: AboutAttempt): void {
  switch (event.kind) {
    case 'commandWritten':
      return onCommandWritten(turn, attempt);
    case 'commandRefused':
      return onCommandRefused(turn, attempt, event);
    case 'start':
      return onStart(turn, attempt, event.until);
    case 'finish':
      return onFinish(turn, attempt, event.result);
    case 'end':
      return onEnd(turn, attempt, event);
    case 'settle':
      return onSettle(turn, attempt);
    case 'prepared':
      return onPrepared(turn, attempt);
    case 'notPrepared':
      return onNotPrepared(turn, attempt, event);
    case 'decided':
      return onDecided(turn, attempt, event);
    case 'runnerFenced':
      return onRunnerFenced(turn, attempt, event.runner);
    case 'runnerSilent':
      return onRunnerSilent(turn, attempt, event.runner);
    case 'runnerDone':
      return attempt.given?.runner === event.runner ? look(turn, attempt, { durable: true }) : undefined;
    case 'runnerGone':
      return onRunnerGone(turn, attempt, event);
    case 'fenced':
      return onFenced(turn, attempt, event);
    case 'exitSeen':
      return look(turn, attempt);
    case 'exitRead':
      return onExitRead(turn, attempt, event);
    case 'processesEnded':
      return onProcessesEnded(turn, attempt);
    case 'processesSurvive':
      return onProcessesSurvive(turn, attempt, event.message);
    case 'exitWritten':
      return attempt.standing === 'CLOSING' ? exited(turn, attempt, event.exit, event.logSize) : undefined;
    case 'exitNotWritten': {
      turn.effects.push({ kind: 'alert', attempt: attempt.ref, message: event.message });
      const { exit } = event;
      turn.effects.push({ kind: 'writeExit', attempt: attempt.ref, exit, afterMs: rewriteMs });
    }
  }
}
