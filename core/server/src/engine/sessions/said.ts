import type { Reason } from '@stackyard/domain';
import type { AgentSays } from './messages.ts';
import { failed } from './outcomes.ts';
import { type Move, reconcile, rowOf } from './reconcile.ts';
import type { HostSession, KnownAttempt, Link, SessionEvent } from './state.ts';
import { alert, attemptsDigest, close, end, grantPace, make, put, putLink, say, type Turn } from './turn.ts';

/** Heartbeats that disagree in the same way before the agent is asked to say again what it has. */
const ODD_BEATS = 3;
/** How long it is not asked again when that settled nothing: rows may have changed since, and its results be wanted now. */
const ACCEPTED_MS = 300_000;

/** Reasons an agent refuses for; the words that only the protocol knows are told as what they mean. */
const refusalReason: Readonly<Record<string, Reason>> = {
  SPOOL_FULL: 'SPOOL_FULL',
  ARTIFACT_INTEGRITY: 'ARTIFACT_INTEGRITY',
  PACKAGE_UNAVAILABLE: 'PACKAGE_UNAVAILABLE',
  EXPIRED_BEFORE_START: 'EXPIRED_BEFORE_START',
  KILLED: 'KILLED',
  HASH_MISMATCH: 'ARTIFACT_INTEGRITY',
  // The task was canceled while it waited for its older attempt.
  PREVIOUS_RUNNING: 'KILLED',
};

/** The agent of a live session says something. */
export function onMessage(
  turn: Turn,
  host: HostSession,
  link: Link,
  event: Extract<SessionEvent, { kind: 'message' }>,
): void {
  const { hostId } = host;
  const { stream } = link;
  const { message } = event;
  host.lastSeenMs = event.now;
  switch (message.kind) {
    case 'heartbeat':
      say(turn, stream, { kind: 'heartbeatAck', n: message.n, ...grantPace(turn, host) });
      onHeartbeat(turn, host, link, { digest: message.digest, now: event.now });
      return;
    case 'accepted':
    case 'started':
      onNews(turn, host, link, message, event.known);
      return;
    case 'duplicate': {
      const issued = host.issued.get(message.id);
      // The result of what has exited comes by itself.
      if (!issued || message.phase === 'EXITED') return;
      make(turn, reconcile[rowOf(issued)][message.phase], { hostId, stream, id: message.id, issued });
      return;
    }
    case 'refused':
      onRefused(turn, host, link, message);
      return;
    case 'result':
      onResult(turn, host, stream, message, event.known);
      return;
    case 'cancelReply':
      // Only its tombstone is there: canceled before it could start, or over for longer than the database remembers.
      if (message.phase === 'TOMBSTONE') onIssuedOnly(turn, host, link, message.id, 'recall');
      return;
    case 'forgotten':
      onIssuedOnly(turn, host, link, message.id, 'lost');
      return;
    case 'components':
      turn.effects.push({ kind: 'components', hostId, components: message.components });
      return;
    case 'facts':
      turn.effects.push({ kind: 'place', hostId, place: message.place });
      return;
  }
}

function onIssuedOnly(turn: Turn, { hostId, issued }: HostSession, { stream }: Link, id: string, move: Move): void {
  const attempt = issued.get(id);
  if (attempt && !attempt.givenUp) make(turn, move, { hostId, stream, id, issued: attempt });
}

function onNews(
  turn: Turn,
  host: HostSession,
  link: Link,
  { kind, id }: Extract<AgentSays, { kind: 'accepted' | 'started' }>,
  known: KnownAttempt | undefined,
): void {
  const subject = { hostId: host.hostId, stream: link.stream, id, issued: undefined };
  const phase = kind === 'accepted' ? 'ACCEPTED' : 'STARTED';
  const held = host.held.get(id);
  if (host.issued.has(id)) make(turn, kind, subject);
  else if (held) {
    if (held.phase === 'ACCEPTED') host.held.set(id, { ...held, phase });
  } else if (known?.row !== 'PENDING') make(turn, reconcile[known?.row ?? 'NONE'][phase], subject);
  // Its Hello came too early to name it.
  else close(turn, link, 'RECONCILE', 'The agent has an attempt that was not in its inventory.');
}

function onResult(
  turn: Turn,
  host: HostSession,
  stream: number,
  { id, hash, result }: Extract<AgentSays, { kind: 'result' }>,
  known: KnownAttempt | undefined,
): void {
  const { hostId } = host;
  const issued = host.issued.get(id);
  const row = issued?.givenUp ? 'GIVEN_UP' : (known?.row ?? 'NONE');
  const unissued = { entry: { hash, phase: 'EXITED', result }, known } as const;
  if (!issued || issued.givenUp) make(turn, reconcile[row].EXITED, { hostId, stream, id, issued, result, unissued });
  else if (issued.hash === hash) end(turn, hostId, id, result, stream);
  else alert(turn, hostId, 'A result came for another envelope than was sent; it is not acknowledged', id);
}

function onRefused(
  turn: Turn,
  host: HostSession,
  link: Link,
  { id, reason, message }: Extract<AgentSays, { kind: 'refused' }>,
): void {
  const issued = host.issued.get(id);
  if (!issued) return;
  if (reason !== 'PREVIOUS_RUNNING' || issued.ending) {
    end(turn, host.hostId, id, failed(refusalReason[reason] ?? 'LOST', message));
    return;
  }
  const number = Number(id.slice(id.lastIndexOf('/') + 1));
  for (let older = 1; older < number; older += 1) {
    say(turn, link.stream, { kind: 'cancel', id: `${issued.taskId}/${older}`, cause: 'LOST' });
  }
  putLink(turn, host.hostId, { again: [...link.again, id] });
}

function onHeartbeat(
  turn: Turn,
  host: HostSession,
  link: Link,
  { digest, now }: { readonly digest: string; readonly now: number },
): void {
  const { hostId, accepted } = host;
  const { stream } = link;
  for (const id of link.again) {
    if (host.issued.has(id)) turn.effects.push({ kind: 'dispatch', stream, hostId, id });
  }
  const expected = attemptsDigest(host.issued.keys());
  const digests = `${digest} ${expected}`;
  const isAccepted = digests === accepted?.digests && now < accepted.untilMs;
  const agreed = digest === '' || digest === expected || isAccepted;
  const times = agreed ? 0 : link.odd?.digests === digests ? link.odd.times + 1 : 1;
  putLink(turn, hostId, { again: [], odd: times === 0 ? undefined : { digests, times } });
  if (times < ODD_BEATS) return;
  put(turn, hostId, { accepted: { digests, untilMs: now + ACCEPTED_MS } });
  close(turn, link, 'RECONCILE', 'Agent and server disagree on what is unacknowledged.');
}
