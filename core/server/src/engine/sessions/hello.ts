import type { HelloMessage, InventoryEntry } from './messages.ts';
import { type Column, reconcile, rowOf } from './reconcile.ts';
import type { CloseCode, HostSession, KnownAttempt, Link, SessionEvent, SessionsState } from './state.ts';
import { alert, close, grantPace, make, put, say, type Turn } from './turn.ts';

/** The one version of the protocol spoken here. */
const PROTOCOL = 1;

/** What an agent says of its place gets into the files of other hosts and into paths: nothing else passes. */
const JOURNAL_ID = /^[A-Za-z0-9-]{1,64}$/;
const ADDRESS = /^[A-Za-z0-9._:%-]{0,255}$/;
const ROOT = /^(?:|\/(?!(?:.*\/)?\.\.(?:\/|$))[^\p{Cc}]{0,254})$/u;

/** An agent opened a stream: greet it, then bring what it has and what was sent to it together. */
export function onHello(turn: Turn, host: HostSession, event: Extract<SessionEvent, { kind: 'hello' }>): void {
  const { stream, hello, known, now } = event;
  const { hostId } = host;
  const refusal = refuse(turn.state, hello);
  if (refusal) {
    turn.effects.push({ kind: 'close', stream, ...refusal });
    alert(turn, hostId, refusal.message);
    return;
  }
  if (host.link && host.link.stream > stream) {
    turn.effects.push({ kind: 'close', stream, code: 'SUPERSEDED', message: 'A newer stream of this agent is open.' });
    return;
  }
  if (host.link) {
    close(turn, host.link, 'SUPERSEDED', 'A newer stream of this agent took over.');
  }
  const sessionNo = host.sessionNo + 1;
  const { journalId, hostBootId } = hello;
  const link: Link = { stream, sessionNo, odd: undefined, again: [] };
  put(turn, hostId, { sessionNo, journalId, hostBootId, connected: true, lastSeenMs: now, link });
  turn.effects.push({ kind: 'session', hostId, sessionNo, hello, appeared: !host.connected });
  say(turn, stream, { kind: 'welcome', sessionNo, ...grantPace(turn, host) });
  reconcileAll(turn, host, { stream, hello, known });
  if (hello.components.length > 0) turn.effects.push({ kind: 'components', hostId, components: hello.components });
  turn.effects.push({ kind: 'watch', hostId }, { kind: 'up', hostId });
}

function refuse(
  { terms }: SessionsState,
  hello: HelloMessage,
): { readonly code: CloseCode; readonly message: string } | undefined {
  if (hello.protoMin > PROTOCOL || hello.protoMax < PROTOCOL) {
    const message = `This server speaks version ${PROTOCOL} of the protocol, the agent ${hello.protoMin} to ${hello.protoMax}. Update the older of the two.`;
    return { code: 'PROTOCOL', message };
  }
  const odd = oddWord(hello);
  if (odd !== undefined) {
    const message = `The agent's ${odd} is not one. Start it with another address or root, or update it.`;
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

function oddWord({ journalId, place }: HelloMessage): string | undefined {
  if (!JOURNAL_ID.test(journalId)) return 'journal id';
  if (!place) return undefined;
  if (!ADDRESS.test(place.address)) return 'address';
  if (!ADDRESS.test(place.bind)) return 'address to bind';
  return ROOT.test(place.root) ? undefined : 'root';
}

function reconcileAll(
  turn: Turn,
  host: HostSession,
  { stream, hello, known }: Pick<Extract<SessionEvent, { kind: 'hello' }>, 'stream' | 'hello' | 'known'>,
): void {
  const { hostId } = host;
  const rebooted = host.hostBootId !== undefined && host.hostBootId !== hello.hostBootId;
  const inventory = new Map(hello.inventory.map((entry) => [entry.id, entry]));
  host.held.clear();
  for (const issued of host.issued.values()) {
    const { id } = issued;
    const entry = inventory.get(id);
    inventory.delete(id);
    if (entry && entry.hash !== issued.hash) {
      alert(turn, hostId, 'An agent holds an attempt with another envelope than it was sent', id);
      continue;
    }
    const row = rowOf(issued);
    const unknown: Column = issued.journalId === hello.journalId ? 'UNKNOWN' : 'UNKNOWN_NEW_JOURNAL';
    make(turn, reconcile[row][entry?.phase ?? unknown], {
      hostId,
      stream,
      id,
      issued,
      result: entry?.result,
      rebooted,
    });
  }
  for (const entry of inventory.values()) reconcileUnissued(turn, host, stream, entry, known.get(entry.id));
}

function reconcileUnissued(
  turn: Turn,
  host: HostSession,
  stream: number,
  entry: InventoryEntry,
  known: KnownAttempt | undefined,
): void {
  const { id, phase, result } = entry;
  const row = known?.row ?? 'NONE';
  // What was given up may finish, unless a newer attempt of its task waits for its place.
  const superseded = row === 'GIVEN_UP' && [...host.issued.values()].some(({ taskId }) => id.startsWith(`${taskId}/`));
  const move = superseded && phase === 'STARTED' ? 'cancel' : reconcile[row][phase];
  make(turn, move, { hostId: host.hostId, stream, id, issued: undefined, result, unissued: { entry, known } });
}
