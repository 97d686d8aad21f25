import { stepScheduler } from '../scheduler/step.ts';
import { stepSessions } from '../sessions/step.ts';
import { hasBeenIssued } from './attempts.ts';
import { Decision } from './decision.ts';
import type { EngineEffect } from './effects.ts';
import { prepared, unprepared } from './envelopes.ts';
import type { EngineEvent, Happening } from './events.ts';
import { carryOut as carryOutSessions, tick } from './hosts.ts';
import { carryOut as carryOutJobs, loaded, queued, stored } from './jobs.ts';
import type { EngineState, FollowUp } from './state.ts';
import { conclude, type Turn } from './turn.ts';

/**
 * The server's half of the dispatch protocol: queue, scheduler, sessions with the agents, and what of it has to be
 * durable before anybody hears of it. Changes `state` in place; the same events give the same effects. Each step asks
 * for one commit at most.
 */
export function stepEngine(state: EngineState, event: EngineEvent): readonly EngineEffect[] {
  const turn: Turn = {
    state,
    now: event.now,
    at: event.at,
    effects: [],
    decision: new Decision(),
    following: [],
    schedule: (next) => {
      for (const effect of stepScheduler(state.scheduler, next)) carryOutJobs(turn, effect);
    },
    converse: (next) => {
      for (const effect of stepSessions(state.sessions, next)) carryOutSessions(turn, effect);
    },
  };
  happen(turn, event);
  for (let next = conclude(turn); next.length > 0; next = conclude(turn)) {
    for (const followUp of next) follow(turn, followUp);
  }
  return turn.effects;
}

function happen(turn: Turn, event: Happening): void {
  const { state, now } = turn;
  switch (event.kind) {
    case 'host': {
      const { hostId, name, clusterId } = event;
      state.hostNames.set(hostId, { name, clusterId });
      turn.converse({ ...event, now });
      return;
    }
    case 'hostRemoved':
      turn.converse(event);
      state.hostNames.delete(event.hostId);
      return;
    case 'hostRejoined':
    case 'hostRevoked':
      turn.converse(event);
      return;
    case 'queued':
      queued(turn, event);
      return;
    case 'stored':
      stored(turn, event);
      return;
    case 'loaded':
      loaded(turn, event.job);
      return;
    case 'gone':
    case 'cancel':
    case 'resume':
      turn.schedule(event);
      return;
    case 'prepared':
      for (const envelope of event.envelopes) prepared(turn, envelope);
      return;
    case 'unprepared':
      unprepared(turn, event.attemptId, event.result);
      return;
    case 'committed':
      committed(turn, event.commit);
      return;
    case 'refused':
      // Nobody hears of what is not stored.
      state.commits.following.delete(event.commit);
      turn.effects.push({
        kind: 'log',
        level: 'error',
        sentence: 'The database refused a change; what agents and tasks wait for because of it does not come',
        fields: { commit: event.commit },
      });
      return;
    case 'hello':
    case 'message':
    case 'closed':
    case 'unjudged':
      turn.converse({ ...event, now });
      return;
    case 'tick':
      tick(turn);
      return;
  }
}

function committed(turn: Turn, commit: number): void {
  const { commits } = turn.state;
  commits.durable = Math.max(commits.durable, commit);
  for (const [number, following] of commits.following) {
    // In the order of their numbers: the first that is not durable ends it.
    if (number > commit) return;
    commits.following.delete(number);
    for (const followUp of following) follow(turn, followUp);
  }
}

function follow(turn: Turn, followUp: FollowUp): void {
  switch (followUp.kind) {
    case 'acknowledge': {
      const { stream, attemptId } = followUp;
      turn.effects.push({ kind: 'send', stream, message: { kind: 'resultAck', id: attemptId } });
      return;
    }
    case 'issued':
      hasBeenIssued(turn, followUp.attemptId);
      return;
    case 'stop':
      turn.converse({ kind: 'cancel', hostId: followUp.hostId, id: followUp.attemptId, cause: 'USER_CANCEL' });
      return;
    case 'settled':
      turn.converse({ kind: 'settled', hostId: followUp.hostId, id: followUp.attemptId });
      return;
    case 'watch':
      turn.effects.push(followUp);
      return;
    case 'over':
      turn.state.ending.delete(followUp.job.id);
      turn.effects.push(followUp);
      return;
  }
}
