import { attemptId, wirePhase } from './attempts.ts';
import { bury } from './bury.ts';
import type { AttemptRef } from './messages.ts';
import { put, startWaiting, tell } from './run.ts';
import type { SessionState, Step } from './state.ts';
import { addTombstone, findTombstone } from './tombstones.ts';

/**
 * A cancel may overtake the dispatch it is about: then the attempt is buried first, so that the late dispatch is
 * refused, and only a buried attempt is answered for.
 */
export function onCancel(state: SessionState, ref: AttemptRef, graceMs: number, now: number): Step {
  const id = attemptId(ref);
  const attempt = state.attempts.get(id);
  if (!attempt) {
    const tombstone = findTombstone(state.tombstones, id);
    if (tombstone?.pending) return [state, []];
    if (tombstone) return [state, tell(state, { kind: 'cancelReply', attempt: ref, phase: 'TOMBSTONE' })];
    return bury(state, ref);
  }
  const phase = wirePhase(attempt);
  const reply = phase ? tell(state, { kind: 'cancelReply', attempt: ref, phase }) : [];
  switch (attempt.standing) {
    case 'JOURNALING':
      return [put(state, { ...attempt, canceled: true }), reply];
    case 'WAITING': {
      const [next, effects] = startWaiting(put(state, { ...attempt, canceled: true }), now);
      return [next, [...reply, ...effects]];
    }
    case 'STARTING':
    case 'STARTED':
      if (attempt.ending) return [state, reply];
      return [
        put(state, { ...attempt, ending: true }),
        [...reply, { kind: 'end', attempt: ref, graceMs, reason: 'KILLED' }],
      ];
    case 'EXITED':
      return [state, reply];
  }
}

export function onTombstoned(state: SessionState, ref: AttemptRef): Step {
  const tombstones = addTombstone(state.tombstones, attemptId(ref), { hash: '' });
  return [{ ...state, tombstones }, tell(state, { kind: 'cancelReply', attempt: ref, phase: 'TOMBSTONE' })];
}

/** The server has committed the result: from now on only the tombstone answers for the attempt. */
export function onResultAck(state: SessionState, ref: AttemptRef): Step {
  const id = attemptId(ref);
  const attempt = state.attempts.get(id);
  if (!attempt) return [state, []];
  if (attempt.standing !== 'EXITED') {
    const message = `The server acknowledged a result of attempt ${id} that it was never sent.`;
    return [state, [{ kind: 'alert', message, attempt: ref }]];
  }
  const attempts = new Map(state.attempts);
  attempts.delete(id);
  const tombstones = addTombstone(state.tombstones, id, { hash: attempt.hash });
  return [{ ...state, attempts, tombstones }, [{ kind: 'settle', attempt: ref }]];
}
