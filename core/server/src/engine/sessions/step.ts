import { createHash } from 'node:crypto';
import type { Reason } from '@stackyard/domain';
import type { AgentSays, AttemptResult, HelloMessage, InventoryEntry, ServerSays } from './messages.ts';
import { type Column, type Move, reconcile, type Row } from './reconcile.ts';
import type {
  CloseCode,
  HostSession,
  Issued,
  KnownAttempt,
  Link,
  SessionEffect,
  SessionEvent,
  SessionsState,
} from './state.ts';

/** The one version of the protocol spoken here. */
const PROTOCOL = 1;
/** Heartbeats that disagree in the same way before the agent is asked to say again what it has. */
const ODD_BEATS = 3;

type Message = Extract<SessionEvent, { kind: 'message' }>;

/**
 * The server's half of the protocol: who is connected, what each agent was sent, what its words mean. Replaces entries
 * of `state.hosts` in place; the same events give the same effects.
 */
export function stepSessions(state: SessionsState, event: SessionEvent): readonly SessionEffect[] {
  const effects: SessionEffect[] = [];
  if (event.kind === 'tick') {
    for (const host of state.hosts.values()) tick(state, effects, host, event.now);
    return effects;
  }
  if (event.kind === 'host') {
    greetHost(state, event);
    return effects;
  }
  const host = state.hosts.get(event.hostId);
  if (!host) return effects;
  switch (event.kind) {
    case 'removed':
      dropLink(state, effects, host, 'The host was removed.');
      for (const { id } of host.issued.values()) {
        effects.push({ kind: 'result', hostId: host.hostId, id, result: removed, ackOn: undefined });
      }
      effects.push({ kind: 'lost', hostId: host.hostId });
      state.hosts.delete(host.hostId);
      break;
    case 'rejoined':
      dropLink(state, effects, host, 'The host joined again with a new secret.');
      break;
    case 'hello':
      onHello(state, effects, host, event);
      break;
    case 'message':
      // What a superseded session still says changes nothing.
      if (host.link?.stream === event.stream) onMessage(state, effects, host, host.link, event);
      break;
    case 'closed':
      onClosed(state, effects, host, event);
      break;
    case 'issued':
      onIssued(state, effects, host, event.attempt);
      break;
    case 'settled':
      put(state, host.hostId, { issued: without(host.issued, event.id) });
      break;
    case 'cancel':
      onCancel(state, effects, host, event.id, event.cause);
      break;
  }
  return effects;
}

function dropLink(state: SessionsState, effects: SessionEffect[], host: HostSession, message: string): void {
  if (!host.link) return;
  effects.push(closing(host.link, 'REMOVED', message), { kind: 'down', hostId: host.hostId });
  put(state, host.hostId, { link: undefined });
}

function greetHost(state: SessionsState, event: Extract<SessionEvent, { kind: 'host' }>): void {
  if (state.hosts.has(event.hostId)) return;
  const { hostId, sessionNo, journalId, connected, now } = event;
  // A lease ahead: nobody is declared unreachable before two leases have passed.
  const lastSeenMs = now + state.terms.leaseMs;
  state.hosts.set(hostId, {
    hostId,
    sessionNo,
    journalId,
    connected,
    lastSeenMs,
    link: undefined,
    issued: new Map(),
    accepted: undefined,
  });
}

function onHello(
  state: SessionsState,
  effects: SessionEffect[],
  host: HostSession,
  { stream, hello, known, now }: Extract<SessionEvent, { kind: 'hello' }>,
): void {
  const refusal = refuse(state, hello);
  if (refusal) {
    effects.push({ kind: 'close', stream, ...refusal }, alert(host, refusal.message));
    return;
  }
  if (host.link && host.link.stream !== stream) {
    effects.push(closing(host.link, 'SUPERSEDED', 'A newer stream of this agent took over.'));
  }
  const sessionNo = host.sessionNo + 1;
  const link: Link = { stream, sessionNo, live: true, odd: undefined, again: [] };
  const journalId = hello.journalId;
  put(state, host.hostId, { sessionNo, journalId, connected: true, lastSeenMs: now, link });
  effects.push(
    { kind: 'session', hostId: host.hostId, sessionNo, hello, appeared: !host.connected },
    { kind: 'send', stream, message: { kind: 'welcome', sessionNo } },
  );
  const inventory = new Map(hello.inventory.map((entry) => [entry.id, entry]));
  for (const issued of host.issued.values()) {
    const entry = inventory.get(issued.id);
    inventory.delete(issued.id);
    const column: Column = entry?.phase ?? (issued.journalId === journalId ? 'UNKNOWN' : 'UNKNOWN_NEW_JOURNAL');
    if (entry && entry.hash !== issued.hash) {
      effects.push(alert(host, 'An agent holds an attempt with another envelope than it was sent', issued.id));
      continue;
    }
    const row: Row = issued.dispatch === 'SENT' ? 'SENT' : 'ISSUED';
    apply(state, effects, host.hostId, stream, {
      move: reconcile[row][column],
      id: issued.id,
      issued,
      result: entry?.result,
    });
  }
  for (const entry of inventory.values()) {
    reconcileUnissued(state, effects, host, stream, entry, known.get(entry.id));
  }
  if (hello.components.length > 0) {
    effects.push({ kind: 'components', hostId: host.hostId, components: hello.components });
  }
  effects.push({ kind: 'watch', hostId: host.hostId }, { kind: 'up', hostId: host.hostId });
}

function refuse(
  { terms }: SessionsState,
  hello: HelloMessage,
): { readonly code: CloseCode; readonly message: string } | undefined {
  if (hello.protoMin > PROTOCOL || hello.protoMax < PROTOCOL) {
    const message = `This server speaks version ${PROTOCOL} of the protocol, the agent ${hello.protoMin} to ${hello.protoMax}. Update the older of the two.`;
    return { code: 'PROTOCOL', message };
  }
  if (hello.installId !== '' && hello.installId !== terms.installId) {
    const message = `The agent belongs to installation ${hello.installId}, this server to ${terms.installId}. Join the agent to this server with a new token.`;
    return { code: 'OTHER_INSTALLATION', message };
  }
  if (hello.maxEpochSeen > terms.epoch) {
    const message = `stale_epoch: the agent has obeyed epoch ${hello.maxEpochSeen}, this server has ${terms.epoch}. Another server runs on a newer copy of this database.`;
    return { code: 'STALE_EPOCH', message };
  }
  return undefined;
}

function reconcileUnissued(
  state: SessionsState,
  effects: SessionEffect[],
  host: HostSession,
  stream: number,
  { id, phase, result }: InventoryEntry,
  known: KnownAttempt | undefined,
): void {
  const row = known?.row ?? 'NONE';
  const superseded = row === 'GIVEN_UP' && [...host.issued.values()].some(({ taskId }) => id.startsWith(`${taskId}/`));
  const move = superseded && phase === 'STARTED' ? 'cancel' : reconcile[row][phase];
  if (move === 'orphan' || move === 'alert') {
    effects.push(alert(host, 'An agent holds an attempt that is not on record', id));
    return;
  }
  apply(state, effects, host.hostId, stream, { move, id, issued: undefined, result });
}

interface Applied {
  readonly move: Move;
  readonly id: string;
  readonly issued: Issued | undefined;
  readonly result: AttemptResult | undefined;
}

function apply(
  state: SessionsState,
  effects: SessionEffect[],
  hostId: string,
  stream: number,
  { move, id, issued, result }: Applied,
): void {
  const ending = issued?.ending;
  const cancel = (cause: Reason): SessionEffect => ({
    kind: 'send',
    stream,
    message: { kind: 'cancel', id, cause },
  });
  switch (move) {
    case 'nothing':
    case 'alert':
    case 'orphan':
      return;
    case 'resend':
      // The agent buries what it does not know, and answers for it.
      effects.push(ending ? cancel(ending) : { kind: 'dispatch', stream, hostId, id });
      return;
    case 'accepted':
    case 'started':
      advance(state, effects, hostId, id, move === 'accepted' ? 'ACCEPTED' : 'STARTED');
      if (ending) effects.push(cancel(ending));
      return;
    case 'takeResult':
      if (result) effects.push({ kind: 'result', hostId, id, result, ackOn: stream });
      return;
    case 'lost':
      effects.push({ kind: 'result', hostId, id, result: ending ? killed : forgotten, ackOn: undefined });
      return;
    case 'stateLost':
      effects.push({ kind: 'result', hostId, id, result: ending ? killed : stateLost, ackOn: undefined });
      return;
    case 'cancel':
      effects.push(cancel('LOST'));
      return;
    case 'recordLate':
      if (result) effects.push({ kind: 'late', hostId, id, result, ackOn: stream });
      return;
    case 'ackOrphan':
      effects.push({ kind: 'send', stream, message: { kind: 'resultAck', id } });
      return;
  }
}

function advance(
  state: SessionsState,
  effects: SessionEffect[],
  hostId: string,
  id: string,
  dispatch: 'ACCEPTED' | 'STARTED',
): void {
  const host = state.hosts.get(hostId);
  const issued = host?.issued.get(id);
  if (!host || !issued || issued.dispatch === dispatch || issued.dispatch === 'STARTED') return;
  put(state, hostId, { issued: new Map(host.issued).set(id, { ...issued, dispatch }) });
  effects.push({ kind: 'progress', hostId, id, dispatch });
}

function onMessage(
  state: SessionsState,
  effects: SessionEffect[],
  host: HostSession,
  link: Link,
  event: Message,
): void {
  put(state, host.hostId, { lastSeenMs: event.now });
  const { hostId } = host;
  const { stream } = link;
  const { message } = event;
  const send = (said: ServerSays): void => void effects.push({ kind: 'send', stream, message: said });
  switch (message.kind) {
    case 'heartbeat':
      send({ kind: 'heartbeatAck', n: message.n });
      onHeartbeat(state, effects, host, link, message.digest);
      return;
    case 'accepted':
    case 'started':
      if (host.issued.has(message.id))
        apply(state, effects, hostId, stream, {
          move: message.kind,
          id: message.id,
          issued: undefined,
          result: undefined,
        });
      return;
    case 'duplicate': {
      const issued = host.issued.get(message.id);
      if (!issued) return;
      const row = issued.dispatch === 'SENT' ? 'SENT' : 'ISSUED';
      // The result of what has exited comes by itself.
      if (message.phase !== 'EXITED') {
        apply(state, effects, hostId, stream, {
          move: reconcile[row][message.phase],
          id: message.id,
          issued,
          result: undefined,
        });
      }
      return;
    }
    case 'refused':
      onRefused(state, effects, host, link, message);
      return;
    case 'result':
      onResult(state, effects, host, stream, message, event.known);
      return;
    case 'cancelReply':
      // Only its tombstone is there: it was canceled before it could start.
      if (message.phase === 'TOMBSTONE' && host.issued.has(message.id)) {
        effects.push({ kind: 'result', hostId, id: message.id, result: killed, ackOn: undefined });
      }
      return;
    case 'components':
      effects.push({ kind: 'components', hostId, components: message.components });
      return;
    case 'facts':
      effects.push({ kind: 'place', hostId, place: message.place });
      return;
  }
}

function onResult(
  state: SessionsState,
  effects: SessionEffect[],
  host: HostSession,
  stream: number,
  { id, hash, result }: Extract<AgentSays, { kind: 'result' }>,
  known: KnownAttempt | undefined,
): void {
  const issued = host.issued.get(id);
  if (issued && issued.hash !== hash) {
    effects.push(alert(host, 'A result came for another envelope than was sent; it is not acknowledged', id));
    return;
  }
  if (issued) {
    effects.push({ kind: 'result', hostId: host.hostId, id, result, ackOn: stream });
    return;
  }
  const move = reconcile[known?.row ?? 'NONE'].EXITED;
  if (move === 'alert' || move === 'ackOrphan')
    effects.push(alert(host, 'A result came for an attempt that is not on record', id));
  apply(state, effects, host.hostId, stream, { move, id, issued, result });
}

function onRefused(
  state: SessionsState,
  effects: SessionEffect[],
  host: HostSession,
  link: Link,
  { id, reason, message }: Extract<AgentSays, { kind: 'refused' }>,
): void {
  const issued = host.issued.get(id);
  if (!issued) return;
  if (reason === 'PREVIOUS_RUNNING' && !issued.ending) {
    const number = Number(id.slice(id.lastIndexOf('/') + 1));
    for (let older = 1; older < number; older += 1) {
      const cancel: ServerSays = { kind: 'cancel', id: `${issued.taskId}/${older}`, cause: 'LOST' };
      effects.push({ kind: 'send', stream: link.stream, message: cancel });
    }
    putLink(state, host.hostId, { again: [...link.again, id] });
    return;
  }
  const result = { ...nothingDone, reason: refusalReason[reason] ?? 'LOST', message };
  effects.push({ kind: 'result', hostId: host.hostId, id, result, ackOn: undefined });
}

/** Reasons of the domain an agent refuses for; the words that only the protocol knows are told as what they mean. */
const refusalReason: Readonly<Record<string, Reason>> = {
  SPOOL_FULL: 'SPOOL_FULL',
  ARTIFACT_INTEGRITY: 'ARTIFACT_INTEGRITY',
  PACKAGE_UNAVAILABLE: 'PACKAGE_UNAVAILABLE',
  EXPIRED_BEFORE_START: 'EXPIRED_BEFORE_START',
  KILLED: 'KILLED',
  HASH_MISMATCH: 'ARTIFACT_INTEGRITY',
  PREVIOUS_RUNNING: 'KILLED',
};

function onHeartbeat(
  state: SessionsState,
  effects: SessionEffect[],
  host: HostSession,
  link: Link,
  digest: string,
): void {
  for (const id of link.again) {
    if (host.issued.has(id)) effects.push({ kind: 'dispatch', stream: link.stream, hostId: host.hostId, id });
  }
  const expected = attemptsDigest(host.issued.keys());
  const digests = `${digest} ${expected}`;
  const agreed = digest === '' || digest === expected || digests === host.accepted;
  const times = agreed ? 0 : link.odd?.digests === digests ? link.odd.times + 1 : 1;
  putLink(state, host.hostId, { again: [], odd: times === 0 ? undefined : { digests, times } });
  if (times < ODD_BEATS) return;
  put(state, host.hostId, { accepted: digests });
  effects.push(closing(link, 'RECONCILE', 'Agent and server disagree on what is unacknowledged.'));
}

/** SHA-256 (hex) of attempt ids, sorted and joined by newlines: what both sides compare. */
export function attemptsDigest(ids: Iterable<string>): string {
  return createHash('sha256')
    .update([...ids].toSorted().join('\n'))
    .digest('hex');
}

function onClosed(
  state: SessionsState,
  effects: SessionEffect[],
  host: HostSession,
  { stream, clean, now }: Extract<SessionEvent, { kind: 'closed' }>,
): void {
  if (host.link?.stream !== stream) return;
  put(state, host.hostId, {
    link: undefined,
    connected: !clean,
    lastSeenMs: Math.max(host.lastSeenMs, clean ? now : 0),
  });
  effects.push({ kind: 'down', hostId: host.hostId });
  // An agent that broke off has until the end of its lease to come back unnoticed.
  if (clean && host.connected) effects.push({ kind: 'disconnected', hostId: host.hostId });
}

function onIssued(state: SessionsState, effects: SessionEffect[], host: HostSession, attempt: Issued): void {
  put(state, host.hostId, { issued: new Map(host.issued).set(attempt.id, attempt) });
  if (!host.link) return;
  if (attempt.journalId === host.journalId) {
    const { link, hostId } = host;
    apply(state, effects, hostId, link.stream, { move: 'resend', id: attempt.id, issued: attempt, result: undefined });
  } else {
    effects.push({ kind: 'result', hostId: host.hostId, id: attempt.id, result: stateLost, ackOn: undefined });
  }
}

function onCancel(state: SessionsState, effects: SessionEffect[], host: HostSession, id: string, cause: Reason): void {
  const issued = host.issued.get(id);
  if (!issued || issued.ending) return;
  put(state, host.hostId, { issued: new Map(host.issued).set(id, { ...issued, ending: cause }) });
  if (host.link) effects.push({ kind: 'send', stream: host.link.stream, message: { kind: 'cancel', id, cause } });
}

function tick(state: SessionsState, effects: SessionEffect[], host: HostSession, now: number): void {
  const silentMs = now - host.lastSeenMs;
  if (host.connected && silentMs > state.terms.leaseMs) {
    if (host.link) {
      effects.push(closing(host.link, 'LEASE_EXPIRED', 'The agent was silent for longer than its lease.'));
      effects.push({ kind: 'down', hostId: host.hostId });
    }
    put(state, host.hostId, { connected: false, link: undefined });
    effects.push({ kind: 'disconnected', hostId: host.hostId });
  }
  if (silentMs <= state.terms.lostAfterMs || host.link) return;
  for (const { id } of host.issued.values()) {
    effects.push({ kind: 'result', hostId: host.hostId, id, result: silent(silentMs), ackOn: undefined });
  }
  // Said at every tick: tasks may have become ready meanwhile that wait for this host.
  effects.push({ kind: 'lost', hostId: host.hostId });
}

function put(state: SessionsState, hostId: string, patch: Partial<HostSession>): void {
  const host = state.hosts.get(hostId);
  if (host) state.hosts.set(hostId, { ...host, ...patch });
}

function putLink(state: SessionsState, hostId: string, patch: Partial<Link>): void {
  const link = state.hosts.get(hostId)?.link;
  if (link) put(state, hostId, { link: { ...link, ...patch } });
}

function without(issued: ReadonlyMap<string, Issued>, id: string): ReadonlyMap<string, Issued> {
  if (!issued.has(id)) return issued;
  const rest = new Map(issued);
  rest.delete(id);
  return rest;
}

function closing(link: Link, code: CloseCode, message: string): SessionEffect {
  return { kind: 'close', stream: link.stream, code, message };
}

function alert(host: HostSession, sentence: string, id?: string): SessionEffect {
  return { kind: 'alert', hostId: host.hostId, sentence, ...(id === undefined ? {} : { id }) };
}

const nothingDone: AttemptResult = {
  reason: undefined,
  message: '',
  exitCode: 0,
  signal: '',
  startedAtMs: 0,
  durationMs: 0,
  logSize: 0,
  outputs: {},
  applied: {},
};
const killed: AttemptResult = { ...nothingDone, reason: 'KILLED', message: 'Canceled before it started.' };
const forgotten: AttemptResult = {
  ...nothingDone,
  reason: 'LOST',
  message: 'The agent no longer knows this attempt, so its outcome is unknown. Look at the host, then retry the job.',
};
const stateLost: AttemptResult = {
  ...nothingDone,
  reason: 'AGENT_STATE_LOST',
  message:
    'The agent lost its journal (its spool directory was replaced), so the outcome is unknown. Look at the host, then retry the job.',
};
const removed: AttemptResult = {
  ...nothingDone,
  reason: 'LOST',
  message: 'The host was removed while the task ran, so the outcome is unknown.',
};
function silent(ms: number): AttemptResult {
  const message = `The host has been silent for ${Math.round(ms / 1000)} s, so the outcome is unknown. Check the agent and the network of the host, then retry the job.`;
  return { ...nothingDone, reason: 'LOST', message };
}
