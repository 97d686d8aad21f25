import type { AttemptResult } from '../sessions/messages.ts';
import type { SessionEffect } from '../sessions/state.ts';
import { end, isHeld, progressed } from './attempts.ts';
import { dispatch } from './envelopes.ts';
import { lateChange, orphanEvent, presenceChange, sessionChange } from './hostChanges.ts';
import { afterwards, type Turn } from './turn.ts';

/** How often it is written down that connected hosts were heard of. */
const SEEN_EVERY_MS = 30_000;

/** Carries out what the sessions ask for. */
export function carryOut(turn: Turn, effect: SessionEffect): void {
  const { effects, decision } = turn;
  switch (effect.kind) {
    case 'send':
    case 'watch':
    case 'close':
    case 'components':
      effects.push(effect);
      return;
    case 'dispatch':
      dispatch(turn, effect.stream, effect.id);
      return;
    case 'progress':
      progressed(turn, effect.id, effect.dispatch);
      return;
    case 'result':
      end(turn, effect.id, effect.result, effect.ackOn);
      return;
    case 'held':
      isHeld(turn, effect);
      return;
    case 'late':
      recordLate(turn, effect.id, effect.result, effect.ackOn);
      return;
    case 'orphan':
      recordOrphan(turn, effect);
      return;
    case 'session':
      decision.add(sessionChange(effect.hostId, effect.sessionNo, effect.hello));
      presence(turn, effect.hostId, 'connected', effect.appeared);
      return;
    case 'place':
      decision.add({ hosts: [{ id: effect.hostId, facts: effect.place.facts }] });
      return;
    case 'disconnected':
      presence(turn, effect.hostId, 'disconnected', true);
      return;
    case 'up':
      turn.schedule({ kind: 'hostUp', hostId: effect.hostId });
      return;
    case 'down':
      turn.schedule({ kind: 'hostDown', hostId: effect.hostId });
      return;
    case 'lost':
      turn.schedule({ kind: 'hostLost', hostId: effect.hostId });
      return;
    case 'alert':
      effects.push({ kind: 'alert', hostId: effect.hostId, sentence: effect.sentence, attemptId: effect.id });
      return;
  }
}

/** What time alone brings about. */
export function tick(turn: Turn): void {
  const { state, now } = turn;
  turn.converse({ kind: 'tick', now });
  giveUpRemovedHosts(turn);
  findOverdue(turn);
  if (now - state.seenWrittenMs < SEEN_EVERY_MS) return;
  state.seenWrittenMs = now;
  const live = [...state.sessions.hosts.values()].filter(({ link }) => link !== undefined);
  const hosts = live.map(({ hostId: id }) => ({ id, lastSeenAt: turn.at }));
  if (hosts.length > 0) turn.decision.add({ hosts }, { lazy: true });
}

/** A task may become ready for a host that was removed while its job ran: nobody will ever carry it out. */
function giveUpRemovedHosts({ state, schedule }: Turn): void {
  for (const [hostId, { ready }] of state.scheduler.hosts) {
    if (ready.length > 0 && !state.sessions.hosts.has(hostId)) schedule({ kind: 'hostLost', hostId });
  }
}

/** The agent ends what runs for too long. Where it has not, somebody should look; the server decides nothing of it. */
function findOverdue(turn: Turn): void {
  const { state, now, effects } = turn;
  const { killGraceMs, leaseMs } = state.terms;
  for (const [attemptId, sinceMs] of state.startedMs) {
    const place = state.places.get(attemptId);
    if (!place || state.overdue.has(attemptId)) continue;
    const { timeoutMs, hostId } = place.job.tasks[place.node]!;
    if (now - sinceMs <= timeoutMs + killGraceMs + leaseMs) continue;
    state.overdue.add(attemptId);
    const sentence = 'An attempt runs for longer than its timeout and was not ended by its agent';
    effects.push({ kind: 'alert', hostId, sentence, attemptId });
  }
}

function recordLate(turn: Turn, attemptId: string, result: AttemptResult, ackOn: number): void {
  const fields = { attemptId, reason: result.reason };
  turn.effects.push({ kind: 'log', level: 'warn', sentence: 'A result came after the attempt had ended', fields });
  turn.decision.add(lateChange(attemptId, result, turn.at));
  afterwards(turn, { kind: 'acknowledge', stream: ackOn, attemptId });
}

/** It has no row to be kept in: the outbox says what ran without anybody's record, as after a restore of the database. */
function recordOrphan(turn: Turn, { hostId, id, result, ackOn }: Extract<SessionEffect, { kind: 'orphan' }>): void {
  const { name = '', clusterId } = turn.state.hostNames.get(hostId) ?? {};
  turn.decision.add({ events: [orphanEvent({ id: hostId, name, clusterId }, id, result)] });
  if (ackOn !== undefined) afterwards(turn, { kind: 'acknowledge', stream: ackOn, attemptId: id });
}

function presence(turn: Turn, id: string, change: 'connected' | 'disconnected', isNews: boolean): void {
  const { name = '', clusterId } = turn.state.hostNames.get(id) ?? {};
  turn.decision.add(presenceChange({ id, name, clusterId }, change, { isNews, now: turn.at }));
}
