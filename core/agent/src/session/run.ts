import type { Reason } from '@stackyard/domain';
import { type Attempt, attemptId } from './attempts.ts';
import { bury } from './bury.ts';
import { isLive, startUntil } from './lease.ts';
import type { AgentSays, AttemptRef, AttemptResult, Refusal } from './messages.ts';
import type { Effect, SessionState, Step } from './state.ts';

/** Journaled: the promise may be given, and the attempt may start. */
export function onJournaled(state: SessionState, ref: AttemptRef, now: number): Step {
  const attempt = state.attempts.get(attemptId(ref));
  if (attempt?.standing !== 'JOURNALING') return [state, []];
  const waiting = put(state, { ...attempt, standing: 'WAITING' });
  const [next, effects] = startWaiting(waiting, now);
  return [next, [...tell(state, { kind: 'accepted', attempt: ref }), ...effects]];
}

export function onNotJournaled(state: SessionState, ref: AttemptRef, reason: Refusal, message: string): Step {
  const id = attemptId(ref);
  const attempt = state.attempts.get(id);
  if (attempt?.standing !== 'JOURNALING') return [state, []];
  const attempts = new Map(state.attempts);
  attempts.delete(id);
  const link = state.link && { ...state.link, refused: new Map(state.link.refused).set(id, { reason, message }) };
  const refused = tell(state, { kind: 'refused', attempt: ref, reason, message });
  if (!attempt.canceled) return [{ ...state, attempts, link }, refused];
  // The cancel holds for a repetition of the command too.
  const [next, effects] = bury({ ...state, attempts, link }, ref);
  return [next, [...refused, ...effects]];
}

/** Starts what waits while the lease lives, and gives up on what waited too long or was cancelled. */
export function startWaiting(state: SessionState, now: number): Step {
  let next = state;
  const effects: Effect[] = [];
  for (const attempt of state.attempts.values()) {
    if (attempt.standing !== 'WAITING') continue;
    const { lease } = state;
    const live = isLive(lease, now);
    const end = neverStarted(attempt, live, now);
    if (end) effects.push({ kind: 'finish', attempt: attempt.ref, result: end });
    else if (live) effects.push({ kind: 'start', attempt: attempt.ref, until: startUntil(lease) });
    else continue;
    next = put(next, { ...attempt, standing: 'STARTING', ending: end !== undefined });
  }
  return [next, effects];
}

function neverStarted(attempt: Attempt, live: boolean, now: number): AttemptResult | undefined {
  if (attempt.canceled) return unstarted('KILLED', 'Canceled before it was started.');
  // What took its time to get ready is not late: it was the host that was slow, and the server waits for it.
  if (now < attempt.startBy || (attempt.begun && live)) return undefined;
  const seconds = Math.round(attempt.terms.startWithinMs / 1000);
  return unstarted(
    'EXPIRED_BEFORE_START',
    `It could not be started within ${seconds} s because the server was out of reach. Retry the task.`,
  );
}

export function unstarted(reason: Reason, message: string): AttemptResult {
  const nothing = { exitCode: 0, signal: '', startedAtMs: 0, durationMs: 0, logSize: 0, outputs: {}, applied: {} };
  return { reason, message, ...nothing };
}

export function onStarted(state: SessionState, ref: AttemptRef, pid: number, now: number): Step {
  const attempt = state.attempts.get(attemptId(ref));
  if (attempt?.standing !== 'STARTING' && attempt?.standing !== 'WAITING') return [state, []];
  const endBy = attempt.terms.timeoutMs > 0 ? now + attempt.terms.timeoutMs : undefined;
  const started = put(state, { ...attempt, standing: 'STARTED', pid, endBy });
  return [started, tell(state, { kind: 'started', attempt: ref, pid })];
}

/** It waits again for a lease, unless its end was asked for: then its result is on its way. */
export function onPostponed(state: SessionState, ref: AttemptRef, now: number): Step {
  const attempt = state.attempts.get(attemptId(ref));
  if (attempt?.standing !== 'STARTING' || attempt.ending) return [state, []];
  return startWaiting(put(state, { ...attempt, standing: 'WAITING', begun: true }), now);
}

export function onExited(state: SessionState, ref: AttemptRef, result: AttemptResult): Step {
  const attempt = state.attempts.get(attemptId(ref));
  if (!attempt || attempt.standing === 'EXITED' || attempt.standing === 'JOURNALING') return [state, []];
  const exited = put(state, { ...attempt, standing: 'EXITED', result, endBy: undefined });
  return [exited, tell(state, { kind: 'result', attempt: ref, hash: attempt.hash, result })];
}

/** Asks for the end of attempts that ran too long. */
export function endOverdue(state: SessionState, now: number): Step {
  let next = state;
  const effects: Effect[] = [];
  for (const attempt of state.attempts.values()) {
    if (attempt.standing !== 'STARTED' || attempt.ending || attempt.endBy === undefined || now < attempt.endBy)
      continue;
    effects.push({ kind: 'end', attempt: attempt.ref, graceMs: attempt.terms.killGraceMs, reason: 'TIMEOUT' });
    next = put(next, { ...attempt, ending: true });
  }
  return [next, effects];
}

/** When the next attempt expires or times out. */
export function nextDeadline(state: SessionState): number | undefined {
  let next: number | undefined;
  for (const attempt of state.attempts.values()) {
    const at =
      attempt.standing === 'WAITING'
        ? attempt.startBy
        : attempt.standing === 'STARTED' && !attempt.ending
          ? attempt.endBy
          : undefined;
    if (at !== undefined && (next === undefined || at < next)) next = at;
  }
  return next;
}

export function put(state: SessionState, attempt: Attempt): SessionState {
  return { ...state, attempts: new Map(state.attempts).set(attemptId(attempt.ref), attempt) };
}

/** Says it on the live stream; without one, Hello's inventory will say it. */
export function tell(state: SessionState, message: AgentSays): Effect[] {
  return state.link?.phase === 'LIVE' ? [{ kind: 'send', stream: state.link.stream, message }] : [];
}
