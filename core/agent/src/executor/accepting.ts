import type { AttemptRef, AttemptResult } from '../session/messages.ts';
import { toExit } from './results.ts';
import { dismiss, newAttempt, refuse } from './moves.ts';
import type { Attempt, ExecutorHappening } from './state.ts';
import { attemptId, closeUnstarted, put, say, type Turn } from './turn.ts';

type Of<K extends ExecutorHappening['kind']> = Extract<ExecutorHappening, { kind: K }>;

/** While the command goes to the disk, what it needs is got ready: neither is a promise yet. */
export function onJournal(turn: Turn, { order, startUntil }: Of<'journal'>): void {
  const { attempt: ref, hash } = order;
  if (turn.state.attempts.has(attemptId(ref))) {
    const message = `Attempt ${attemptId(ref)} is in the journal already. Issue a new attempt to run the task again.`;
    return say(turn, { kind: 'notJournaled', attempt: ref, reason: 'AGENT_STATE_LOST', message });
  }
  turn.state.attempts.set(attemptId(ref), {
    ...newAttempt,
    ref,
    hash,
    acceptedMono: turn.now,
    standing: 'JOURNALING',
    preparation: 'UNDER_WAY',
    startUntil,
  });
  turn.effects.push({ kind: 'writeCommand', order }, { kind: 'prepare', attempt: ref, envelope: order.envelope });
}

export function onCommandWritten(turn: Turn, attempt: Attempt): void {
  if (attempt.standing !== 'JOURNALING') return;
  put(turn, attempt, { standing: 'ACCEPTED' });
  say(turn, { kind: 'journaled', attempt: attempt.ref });
}

export function onCommandRefused(turn: Turn, attempt: Attempt, { reason, message }: Of<'commandRefused'>): void {
  if (attempt.standing !== 'JOURNALING') return;
  const { preparation } = put(turn, dismiss(turn, attempt), { refusal: { reason, message } });
  if (preparation === 'UNDER_WAY') turn.effects.push({ kind: 'abandon', attempt: attempt.ref });
  else refuse(turn, attempt.ref, { reason, message });
}

/** Only what waits may be given up: for everything else the runner or the end of its processes has the last word. */
export function onFinish(turn: Turn, attempt: Attempt, result: AttemptResult): void {
  if (attempt.standing === 'ACCEPTED') closeUnstarted(turn, dismiss(turn, attempt), toExit(result));
}

export function onSettle(turn: Turn, attempt: Attempt): void {
  if (attempt.standing !== 'EXITED') return;
  turn.state.attempts.delete(attemptId(attempt.ref));
  turn.effects.push({ kind: 'settle', attempt: attempt.ref });
}

export function onBury(turn: Turn, ref: AttemptRef): void {
  turn.effects.push({ kind: 'bury', attempt: ref });
}

export function onBuried(turn: Turn, ref: AttemptRef): void {
  say(turn, { kind: 'tombstoned', attempt: ref });
}
