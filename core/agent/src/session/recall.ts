import { attemptId } from './attempts.ts';
import { repeatedly } from './dispatch.ts';
import type { AttemptRef } from './messages.ts';
import { put, tell } from './run.ts';
import type { Kept, SessionState, Step } from './state.ts';

/** Of what was never run again because of it, the terms do not matter any more. */
const noTerms = { timeoutMs: 0, killGraceMs: 0, startWithinMs: 0 } as const;

/** The server misses a result: its database was restored from a backup that is older than the acknowledgement. */
export function onRecall(state: SessionState, stream: number, ref: AttemptRef): Step {
  const known = state.attempts.get(attemptId(ref));
  return [state, known ? repeatedly(stream, known) : [{ kind: 'recall', attempt: ref }]];
}

/** What was acknowledged is not any more: it is told until it is acknowledged anew. Its tombstone stays. */
export function onRecalled(state: SessionState, ref: AttemptRef, kept: Kept | undefined): Step {
  if (state.attempts.has(attemptId(ref))) return [state, []];
  if (!kept) return [state, tell(state, { kind: 'forgotten', attempt: ref })];
  const { hash, result } = kept;
  const recalled = put(state, { ref, hash, standing: 'EXITED', terms: { ...ref, ...noTerms }, startBy: 0, result });
  return [recalled, tell(state, { kind: 'result', attempt: ref, hash, result })];
}
