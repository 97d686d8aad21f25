import type { Reason } from '@stackyard/domain';
import { onHello } from './hello.ts';
import { paceOf } from './pace.ts';
import { outcomes, silentFor } from './outcomes.ts';
import { onMessage } from './said.ts';
import { reconcile } from './reconcile.ts';
import type { Held, HostSession, Issued, SessionEffect, SessionEvent, SessionsState } from './state.ts';
import { close, end, make, put, say, type Turn } from './turn.ts';

/**
 * The server's half of the protocol: who is connected, what each agent was sent, what its words mean. Replaces entries
 * of `state.hosts` in place; the same events give the same effects.
 */
export function stepSessions(state: SessionsState, event: SessionEvent): readonly SessionEffect[] {
  const turn: Turn = { state, effects: [] };
  if (event.kind === 'tick') {
    standStill(state, event.now);
    let connected = 0;
    for (const host of state.hosts.values()) {
      if (host.connected) connected += 1;
      tick(turn, host, event.now);
    }
    state.pace = paceOf(state.terms, connected);
    return turn.effects;
  }
  if (event.kind === 'host') {
    learnHost(state, event);
    return turn.effects;
  }
  const host = state.hosts.get(event.hostId);
  if (!host) return turn.effects;
  switch (event.kind) {
    case 'hostRemoved':
      dropLink(turn, host, 'The host was removed.');
      for (const { id } of host.issued.values()) end(turn, host.hostId, id, outcomes.hostRemoved);
      turn.effects.push({ kind: 'lost', hostId: host.hostId });
      state.hosts.delete(host.hostId);
      break;
    case 'hostRejoined':
      dropLink(turn, host, 'The host joined again with a new certificate.');
      break;
    case 'hostRevoked':
      dropLink(turn, host, 'The certificate of the host was revoked.');
      if (host.connected) turn.effects.push({ kind: 'disconnected', hostId: host.hostId });
      put(turn, host.hostId, { connected: false });
      break;
    case 'hello':
      onHello(turn, host, event);
      break;
    case 'message':
      // What a superseded session still says changes nothing.
      if (host.link?.stream === event.stream) onMessage(turn, host, host.link, event);
      break;
    case 'closed':
      onClosed(turn, host, event);
      break;
    case 'unjudged':
      put(turn, host.hostId, { lastSeenMs: Math.max(host.lastSeenMs, event.now) });
      break;
    case 'issued':
      onIssued(turn, host, event.attempt);
      break;
    case 'settled':
      host.issued.delete(event.id);
      break;
    case 'cancel':
      onCancel(turn, host, event.id, event.cause);
      break;
  }
  return turn.effects;
}

function learnHost(state: SessionsState, event: Extract<SessionEvent, { kind: 'host' }>): void {
  if (state.hosts.has(event.hostId)) return;
  const { hostId, sessionNo, journalId, hostBootId, connected, now } = event;
  state.tickedMs ??= now;
  // A lease ahead: nobody is declared unreachable before two leases have passed.
  const { leaseMs } = state.pace;
  const lastSeenMs = now + leaseMs;
  const lease = { leaseMs, grantedMs: leaseMs };
  const nothing = {
    link: undefined,
    issued: new Map<string, Issued>(),
    orphans: new Set<string>(),
    held: new Map<string, Held>(),
    accepted: undefined,
  };
  state.hosts.set(hostId, { hostId, sessionNo, journalId, hostBootId, connected, lastSeenMs, ...lease, ...nothing });
}

function dropLink(turn: Turn, { link, hostId }: HostSession, message: string): void {
  if (!link) return;
  close(turn, link, 'REMOVED', message);
  turn.effects.push({ kind: 'down', hostId });
  put(turn, hostId, { link: undefined });
}

function onClosed(
  turn: Turn,
  host: HostSession,
  { stream, clean, now }: Extract<SessionEvent, { kind: 'closed' }>,
): void {
  if (host.link?.stream !== stream) return;
  const { hostId } = host;
  const lastSeenMs = clean ? now : host.lastSeenMs;
  put(turn, hostId, { link: undefined, connected: !clean, lastSeenMs });
  turn.effects.push({ kind: 'down', hostId });
  // An agent that broke off has until the end of its lease to come back unnoticed.
  if (clean) turn.effects.push({ kind: 'disconnected', hostId });
}

function onIssued(turn: Turn, host: HostSession, attempt: Issued): void {
  const { hostId, link } = host;
  const { id } = attempt;
  host.issued.set(id, attempt);
  const held = host.held.get(id);
  host.held.delete(id);
  if (!link) return;
  const { SENT } = reconcile;
  const sameJournal = attempt.journalId === host.journalId;
  // Taken over: its agent has it already, under this very envelope.
  const has = held?.hash === attempt.hash ? held : undefined;
  const move = sameJournal ? SENT[has?.phase ?? 'UNKNOWN'] : SENT.UNKNOWN_NEW_JOURNAL;
  make(turn, move, { hostId, stream: link.stream, id, issued: attempt, result: has?.result });
}

function onCancel(turn: Turn, host: HostSession, id: string, cause: Reason): void {
  const issued = host.issued.get(id);
  if (!issued || issued.ending) return;
  host.issued.set(id, { ...issued, ending: cause });
  if (host.link) say(turn, host.link.stream, { kind: 'cancel', id, cause });
}

/** While the server itself stood still nobody could be heard: that silence is not the agents'. */
function standStill(state: SessionsState, now: number): void {
  const goneMs = state.tickedMs === undefined ? 0 : now - state.tickedMs;
  state.tickedMs = now;
  if (goneMs <= state.terms.leaseMs / 2) return;
  for (const [hostId, host] of state.hosts) {
    state.hosts.set(hostId, { ...host, lastSeenMs: Math.min(now, host.lastSeenMs + goneMs) + host.leaseMs });
  }
}

function tick(turn: Turn, host: HostSession, now: number): void {
  const { hostId, link, leaseMs } = host;
  const { lostAfterMs } = turn.state.terms;
  const silentMs = now - host.lastSeenMs;
  if (host.connected && silentMs > leaseMs) {
    if (link) {
      close(turn, link, 'LEASE_EXPIRED', 'The agent was silent for longer than its lease.');
      turn.effects.push({ kind: 'down', hostId });
    }
    put(turn, hostId, { connected: false, link: undefined });
    turn.effects.push({ kind: 'disconnected', hostId });
  }
  if (silentMs <= lostAfterMs) return;
  giveUp(turn, host, silentMs);
  // Said at every tick: tasks may have become ready meanwhile that wait for this host.
  turn.effects.push({ kind: 'lost', hostId });
}

function giveUp(turn: Turn, { hostId, issued }: HostSession, silentMs: number): void {
  for (const [id, attempt] of issued) {
    if (attempt.givenUp) continue;
    end(turn, hostId, id, silentFor(silentMs));
    issued.set(id, { ...attempt, givenUp: true });
  }
}
