import type { AttemptRef } from '../session/messages.ts';
import type { ExitRecord } from './records.ts';
import type { Silence } from './sentences.ts';
import type { Attempt, Ending } from './state.ts';
import { attemptId, close, exited, put, say, type Turn } from './turn.ts';

export const newAttempt = {
  preparation: 'NONE',
  startUntil: undefined,
  tryNumber: 0,
  given: undefined,
  failures: 0,
  failure: undefined,
  decision: undefined,
  ending: undefined,
  swept: false,
  survived: false,
  verdict: undefined,
  refusal: undefined,
  again: false,
  result: undefined,
  recovering: false,
} as const satisfies Partial<Attempt>;

/** Forgotten: the same attempt may come again. */
export function refuse(turn: Turn, ref: AttemptRef, refusal: NonNullable<Attempt['refusal']>): void {
  turn.state.attempts.delete(attemptId(ref));
  say(turn, { kind: 'notJournaled', attempt: ref, ...refusal });
}

/** Lets a runner go that may not have decided. */
export function dismiss(turn: Turn, attempt: Attempt): Attempt {
  const { given, ref } = attempt;
  if (!given) return attempt;
  turn.effects.push({ kind: 'dismiss', attempt: ref, runner: given.runner });
  return put(turn, attempt, { given: undefined });
}

/** Nobody knows who has decided the try, or whether anybody will: whoever links first has. */
export function fence(turn: Turn, attempt: Attempt): void {
  put(turn, attempt, { standing: 'FENCING' });
  turn.effects.push({ kind: 'fence', attempt: attempt.ref, tryNumber: attempt.tryNumber + 1 });
}

/** How long to wait before processes are killed again that hang in the kernel. */
export const surviveMs = 5_000;
/** Without grace: its result is there, or there will be none. */
export const atOnce = { graceMs: 0, ending: undefined, afterMs: 0 } as const;

export function beginEnd(turn: Turn, attempt: Attempt, { graceMs, reason }: Ending): void {
  sweep(turn, attempt, { graceMs, ending: reason, afterMs: 0 });
}

/** Ends everything with the cookie of its try; what is left then is looked at again. */
export function sweep(
  turn: Turn,
  attempt: Attempt,
  how: { readonly graceMs: number; readonly ending: string | undefined; readonly afterMs: number },
): void {
  const { ref, decision } = attempt;
  if (!decision) return;
  put(turn, attempt, { standing: 'ENDING' });
  turn.effects.push({ kind: 'endProcesses', attempt: ref, decision, ...how });
}

/** Its result may be there, or there will be none. */
export function look(turn: Turn, attempt: Attempt, { durable = false } = {}): void {
  if (attempt.standing === 'LOOKING') put(turn, attempt, { again: true });
  if (attempt.standing === 'RUNNING') read(turn, attempt, durable);
}

export function read(turn: Turn, attempt: Attempt, durable: boolean): void {
  const { ref, decision } = put(turn, attempt, { standing: 'LOOKING', again: false });
  turn.effects.push({ kind: 'readExit', attempt: ref, decision, sync: !durable });
}

/** A failed attempt may be tried again, and then nothing of it may be left; a successful one may leave a daemon. */
export function conclude(turn: Turn, attempt: Attempt, exit: ExitRecord, logSize: number): void {
  if (exit.reason === undefined || attempt.swept || !attempt.decision) return exited(turn, attempt, exit, logSize);
  sweep(turn, attempt, atOnce);
}

/** A result for what left none. */
export function closeSilent(turn: Turn, attempt: Attempt, { reason, message }: Silence): void {
  const { decision } = attempt;
  if (!decision) return close(turn, attempt, { reason, message, startedAt: 0, durationMs: 0 });
  // Times of another boot cannot be compared.
  const durationMs = decision.bootId === turn.state.bootId ? Math.max(0, turn.now - decision.decidedMono) : 0;
  close(turn, attempt, { signal: 'SIGKILL', reason, message, startedAt: decision.decidedAt, durationMs });
}
