import { attemptId } from './attempts.ts';
import type { AttemptRef } from './messages.ts';
import type { SessionState, Step } from './state.ts';
import { addTombstone } from './tombstones.ts';

/** Nothing that never came is taken later. */
export function bury(state: SessionState, ref: AttemptRef): Step {
  const tombstones = addTombstone(state.tombstones, attemptId(ref), { hash: '', pending: true });
  return [{ ...state, tombstones }, [{ kind: 'bury', attempt: ref }]];
}
