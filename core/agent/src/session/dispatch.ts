import { createHash } from 'node:crypto';
import { type Attempt, attemptId, wirePhase } from './attempts.ts';
import { isLive, startUntil } from './lease.ts';
import type { AgentSays, AttemptRef, Order, Refusal } from './messages.ts';
import type { Effect, SessionState, Step } from './state.ts';
import { findTombstone } from './tombstones.ts';

/** A command arrives. It is answered only once it is on disk; the same attempt is never taken twice. */
export function onDispatch(state: SessionState, stream: number, order: Order, now: number): Step {
  const id = attemptId(order.attempt);
  const answer = (message: AgentSays): Step => [state, [{ kind: 'send', stream, message }]];
  const refuse = (reason: Refusal, message: string): Step =>
    answer({ kind: 'refused', attempt: order.attempt, reason, message });

  const known = state.attempts.get(id);
  const tombstone = findTombstone(state.tombstones, id);
  const knownHash = known?.hash ?? tombstone?.hash;
  // The tombstone of a cancel that came before its dispatch knows no hash.
  if (!isIntact(order) || (knownHash && knownHash !== order.hash)) {
    const message = `The command of attempt ${id} is not the one its hash names. It was not started; retry the task.`;
    const [, effects] = refuse('HASH_MISMATCH', message);
    return [state, [...effects, { kind: 'alert', message, attempt: order.attempt }]];
  }
  if (known) return [state, repeatedly(stream, known)];
  // The cancel that is burying it is answered once that is on disk; this is no other answer.
  if (tombstone?.pending) return [state, []];
  if (tombstone) return answer({ kind: 'duplicate', attempt: order.attempt, phase: 'TOMBSTONE' });
  const refused = state.link?.refused.get(id);
  if (refused) return refuse(refused.reason, refused.message);

  const { root } = order.terms;
  if (state.root !== undefined && root !== undefined && root !== state.root) {
    const place = `The command is for the host root ${JSON.stringify(root)}, this agent manages ${JSON.stringify(state.root)}`;
    return refuse(
      'ARTIFACT_INTEGRITY',
      `${place}: nothing was done. Start the agent with the root of its host, then retry.`,
    );
  }
  if (hasNewerTombstone(state, order.attempt)) {
    return refuse('SUPERSEDED', `A newer attempt of the same task than ${id} is over already.`);
  }
  const other = otherAttempt(state, order.attempt);
  if (other && other.ref.number > order.attempt.number) {
    return refuse('SUPERSEDED', `Attempt ${attemptId(other.ref)} of the same task is newer than ${id}.`);
  }
  if (other && other.standing !== 'EXITED') {
    return refuse('PREVIOUS_RUNNING', `Attempt ${attemptId(other.ref)} of the same task has not ended yet.`);
  }
  const attempt: Attempt = {
    ref: order.attempt,
    hash: order.hash,
    standing: 'JOURNALING',
    terms: order.terms,
    startBy: now + order.terms.startWithinMs,
  };
  const { lease } = state;
  const journal: Effect = { kind: 'journal', order, startUntil: isLive(lease, now) ? startUntil(lease) : undefined };
  return [{ ...state, attempts: new Map(state.attempts).set(id, attempt) }, [journal]];
}

/** What a command is answered whose attempt is known; while it is being journaled the answer is already on its way. */
export function repeatedly(stream: number, known: Attempt): Effect[] {
  const { ref: attempt, hash, result } = known;
  const phase = wirePhase(known);
  if (!phase) return [];
  const duplicate: Effect = { kind: 'send', stream, message: { kind: 'duplicate', attempt, phase } };
  if (!result) return [duplicate];
  // The server may have heard it before it knew what to do with it, as after it was restored from a backup.
  return [duplicate, { kind: 'send', stream, message: { kind: 'result', attempt, hash, result } }];
}

function isIntact({ attempt, envelope, hash, terms }: Order): boolean {
  if (terms.taskId !== attempt.taskId || terms.number !== attempt.number) return false;
  return createHash('sha256').update(envelope).digest('hex') === hash;
}

/** Attempts of a task are numbered one after the other; few of them can be missing here. */
function hasNewerTombstone({ tombstones }: SessionState, { taskId, number }: AttemptRef): boolean {
  const newer = Array.from({ length: 8 }, (_, index) => attemptId({ taskId, number: number + 1 + index }));
  return newer.some((id) => findTombstone(tombstones, id) !== undefined);
}

/** The newest other attempt of the same task that is not settled. */
function otherAttempt(state: SessionState, ref: AttemptRef): Attempt | undefined {
  let newest: Attempt | undefined;
  for (const attempt of state.attempts.values()) {
    if (attempt.ref.taskId !== ref.taskId) continue;
    if (!newest || attempt.ref.number > newest.ref.number) newest = attempt;
  }
  return newest;
}
