import type { AttemptResult } from '../sessions/messages.ts';
import { failed } from '../sessions/outcomes.ts';
import { end } from './attempts.ts';
import type { PreparedEnvelope } from './events.ts';
import type { Place } from './job.ts';
import type { Turn } from './turn.ts';

/** An envelope is built: for an attempt that is to be issued, or once more for one that was. */
export function prepared(turn: Turn, { attemptId, hash, values }: PreparedEnvelope): void {
  const place = turn.state.places.get(attemptId);
  if (!place) {
    turn.effects.push({ kind: 'abandon', attemptId });
    return;
  }
  turn.state.envelopes.set(attemptId, { hash, values });
  const { jobId, number, state } = place.job.attempts[place.node]!;
  if (state === 'PENDING') turn.schedule({ kind: 'prepared', jobId, task: place.node, attempt: number });
  else carryOn(turn, attemptId, undefined);
}

/** It could not be built. */
export function unprepared(turn: Turn, attemptId: string, result: AttemptResult): void {
  const place = turn.state.places.get(attemptId);
  if (!place) return;
  const { state, jobId } = place.job.attempts[place.node]!;
  const fields = { jobId, attemptId, problem: result.message };
  turn.effects.push({ kind: 'log', level: 'warn', sentence: 'A task could not be prepared', fields });
  if (state === 'PENDING') end(turn, attemptId, result);
  else carryOn(turn, attemptId, result.message);
}

/** Sends the envelope of an issued attempt, which is built again first where the server was restarted. */
export function dispatch(turn: Turn, stream: number, attemptId: string): void {
  const { envelopes, awaited, places } = turn.state;
  const place = places.get(attemptId);
  // Its result is here already.
  if (!place || awaited.get(attemptId)?.kind === 'result') return;
  const envelope = envelopes.get(attemptId);
  if (!envelope) {
    if (!awaited.has(attemptId)) turn.effects.push({ kind: 'prepare', attemptId, place });
    awaited.set(attemptId, { kind: 'dispatch', stream });
    return;
  }
  if (envelope.hash === hashOf(place)) {
    turn.effects.push({ kind: 'dispatch', stream, attemptId, hash: envelope.hash });
    return;
  }
  giveUp(turn, attemptId, 'it would be another one now. Retry the job.');
}

/** What an issued attempt waited for is here, or will not come. */
function carryOn(turn: Turn, attemptId: string, problem: string | undefined): void {
  const { awaited, places, sessions } = turn.state;
  const waiting = awaited.get(attemptId);
  awaited.delete(attemptId);
  if (waiting?.kind === 'result') {
    // Without its envelope the result still counts; what was applied is then not known.
    if (problem !== undefined) turn.state.envelopes.set(attemptId, { hash: '', values: undefined });
    end(turn, attemptId, waiting.result, waiting.ackOn);
  } else if (waiting) {
    const place = places.get(attemptId);
    const { hostId } = place!.job.attempts[place!.node]!;
    if (problem !== undefined) giveUp(turn, attemptId, problem);
    // A newer stream asks by itself, and an end that was asked for meanwhile has been sent instead.
    else if (
      sessions.hosts.get(hostId)?.link?.stream === waiting.stream &&
      !sessions.hosts.get(hostId)?.issued.get(attemptId)?.ending
    ) {
      dispatch(turn, waiting.stream, attemptId);
    }
  }
}

function giveUp(turn: Turn, attemptId: string, why: string): void {
  end(turn, attemptId, failed('LOST', `The command could not be sent again after the server restarted: ${why}`));
}

function hashOf({ job, node }: Place): string | null | undefined {
  return job.attempts[node]!.envelopeHash;
}
