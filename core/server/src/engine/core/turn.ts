import type { SchedulerEvent } from '../scheduler/state.ts';
import type { SessionEvent } from '../sessions/state.ts';
import { Decision } from './decision.ts';
import type { EngineEffect } from './effects.ts';
import type { Times } from './events.ts';
import type { EngineState, FollowUp } from './state.ts';

/** One step of the engine: the state it changes, what it decided, and what it asks for. */
export interface Turn extends Times {
  readonly state: EngineState;
  readonly effects: EngineEffect[];
  decision: Decision;
  /** To happen once all that this step decided is durable. */
  following: FollowUp[];
  /** Steps of the two halves, which cause one another. */
  readonly schedule: (event: SchedulerEvent) => void;
  readonly converse: (event: SessionEvent) => void;
}

/** To happen once everything decided so far is durable. */
export function afterwards(turn: Turn, followUp: FollowUp): void {
  turn.following.push(followUp);
}

/**
 * Asks for the commit of what was decided. What follows waits for it, or, where nothing was decided, for what is on its
 * way already: an agent that says the same again must not hear more than is durable.
 *
 * @returns what follows at once, because all it rests on is durable
 */
export function conclude(turn: Turn): readonly FollowUp[] {
  const { decision, following, effects } = turn;
  const { commits } = turn.state;
  turn.following = [];
  if (!decision.empty) {
    turn.decision = new Decision();
    const lazy = decision.lazy && following.length === 0;
    const commit = ++commits.last;
    if (!lazy) commits.pressed = commit;
    effects.push({ kind: 'commit', commit, change: decision.change(), lazy });
  }
  if (commits.pressed <= commits.durable) return following;
  if (following.length > 0) {
    const before = commits.following.get(commits.pressed);
    if (before) before.push(...following);
    else commits.following.set(commits.pressed, following);
  }
  return [];
}

/** It is not sent any more. */
export function forgetEnvelope(turn: Turn, attemptId: string): void {
  if (turn.state.envelopes.delete(attemptId)) turn.effects.push({ kind: 'abandon', attemptId });
}
