import type { Happening } from '../session/driver.ts';
import type { AttemptRef } from '../session/messages.ts';
import type { ExitRecord } from './records.ts';
import { fromExit } from './results.ts';
import type { Attempt, ExecutorEffect, ExecutorState, RecoveredAttempt } from './state.ts';

/** One event being handled: the entries it replaces, and what it asks for. */
export interface Turn {
  readonly state: ExecutorState;
  readonly effects: ExecutorEffect[];
  readonly now: number;
}

export function attemptId({ taskId, number }: AttemptRef): string {
  return `${taskId}/${number}`;
}

export function put(turn: Turn, attempt: Attempt, changes: Partial<Attempt>): Attempt {
  const next = { ...attempt, ...changes };
  turn.state.attempts.set(attemptId(attempt.ref), next);
  return next;
}

/** The session hears nothing of what was found at the start before it is restored from all of it. */
export function say(turn: Turn, happening: Happening): void {
  turn.effects.push({ kind: 'say', happening });
}

/** Asks for a result to be written; nobody else can write one any more. */
export function close(turn: Turn, attempt: Attempt, exit: ExitRecord): void {
  put(turn, attempt, { standing: 'CLOSING' });
  turn.effects.push({ kind: 'writeExit', attempt: attempt.ref, exit, afterMs: 0 });
}

/** A result for what was never started: no runner may decide it any more when this is called. */
export function closeUnstarted(turn: Turn, attempt: Attempt, exit: ExitRecord): void {
  if (attempt.preparation !== 'UNDER_WAY') return close(turn, attempt, exit);
  // What prepares it writes to its log, which is complete when the result is there.
  put(turn, attempt, { verdict: exit });
  turn.effects.push({ kind: 'abandon', attempt: attempt.ref });
}

export function unstarted(reason: string, message: string): ExitRecord {
  return { reason, message, startedAt: 0, durationMs: 0 };
}

/** The result is on disk. */
export function exited(turn: Turn, attempt: Attempt, exit: ExitRecord, logSize: number): void {
  const result = fromExit(exit, logSize);
  const { ref, recovering } = put(turn, attempt, { standing: 'EXITED', result });
  if (recovering) settleRecovery(turn);
  else say(turn, { kind: 'exited', attempt: ref, result });
}

const recoveredStandings = { ACCEPTED: 'WAITING', RUNNING: 'STARTED', EXITED: 'EXITED' } as const;

/** Tells what was found at the start, once everything of it is known. */
export function settleRecovery(turn: Turn): void {
  const { state } = turn;
  if (state.recovery !== 'UNDER_WAY') return;
  if ([...state.quarantined.values()].some(({ survived }) => !survived)) return;
  const recovered: RecoveredAttempt[] = [];
  for (const attempt of state.attempts.values()) {
    const { ref, hash, acceptedMono, decision, result } = attempt;
    const standing = isStuck(attempt)
      ? 'STARTED'
      : recoveredStandings[attempt.standing as keyof typeof recoveredStandings];
    if (standing === undefined) return;
    const running = standing === 'STARTED' ? { pid: decision?.pid, startedMono: decision?.decidedMono } : {};
    recovered.push({ attempt: ref, hash, acceptedMono, standing, ...running, result });
  }
  for (const attempt of state.attempts.values()) put(turn, attempt, { recovering: false });
  state.recovery = 'TOLD';
  turn.effects.push({ kind: 'recovered', attempts: recovered });
}

/** Something of it hangs in the kernel: it is not over, and the agent does not wait for it either. */
function isStuck({ standing, survived }: Attempt): boolean {
  return standing === 'ENDING' && survived;
}
