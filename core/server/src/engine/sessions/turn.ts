import { createHash } from 'node:crypto';
import type { Reason } from '@stackyard/domain';
import type { AttemptResult, InventoryEntry, ServerSays } from './messages.ts';
import { outcomes } from './outcomes.ts';
import type { Pace } from './pace.ts';
import type { Move } from './reconcile.ts';
import type { CloseCode, HostSession, Issued, KnownAttempt, Link, SessionEffect, SessionsState } from './state.ts';

/** One step: the state it changes and what it asks for. */
export interface Turn {
  readonly state: SessionsState;
  readonly effects: SessionEffect[];
}

export function put({ state }: Turn, hostId: string, patch: Partial<HostSession>): void {
  const host = state.hosts.get(hostId);
  if (host) state.hosts.set(hostId, { ...host, ...patch });
}

/** Gives the agent the pace that holds now, as part of what is said to it. */
export function grantPace(turn: Turn, { hostId, grantedMs }: HostSession): Pace {
  const { pace } = turn.state;
  put(turn, hostId, { leaseMs: Math.max(grantedMs, pace.leaseMs), grantedMs: pace.leaseMs });
  return pace;
}

export function putLink(turn: Turn, hostId: string, patch: Partial<Link>): void {
  const link = turn.state.hosts.get(hostId)?.link;
  if (link) put(turn, hostId, { link: { ...link, ...patch } });
}

export function say({ effects }: Turn, stream: number, message: ServerSays): void {
  effects.push({ kind: 'send', stream, message });
}

export function close({ effects }: Turn, link: Link, code: CloseCode, message: string): void {
  effects.push({ kind: 'close', stream: link.stream, code, message });
}

export function alert({ effects }: Turn, hostId: string, sentence: string, id?: string): void {
  effects.push({ kind: 'alert', hostId, sentence, ...(id === undefined ? {} : { id }) });
}

/** Ends an attempt; `ackOn` is the stream that waits for the acknowledgement, if its agent reported the end. */
export function end({ effects }: Turn, hostId: string, id: string, result: AttemptResult, ackOn?: number): void {
  effects.push({ kind: 'result', hostId, id, result, ackOn });
}

export interface Subject {
  readonly hostId: string;
  readonly stream: number;
  readonly id: string;
  /** Absent when it is terminal here, or not on record. */
  readonly issued: Issued | undefined;
  readonly result?: AttemptResult | undefined;
  /** The host runs under another boot than when the attempt was sent to it. */
  readonly rebooted?: boolean | undefined;
  /** What the agent has, and what is known of it, where it is not issued. */
  readonly unissued?: { readonly entry: Omit<InventoryEntry, 'id'>; readonly known: KnownAttempt | undefined };
}

/** Of one host: more are not told of. */
const MOST_ORPHANS = 1000;

/** Only what never ran is known to have been canceled in time. */
function unknownOutcome(issued: Issued | undefined, rebooted: boolean): AttemptResult {
  if (issued?.ending && issued.dispatch !== 'STARTED') return outcomes.canceledBeforeStart;
  return rebooted ? outcomes.rebooted : outcomes.forgotten;
}

/** Carries out a cell of the reconcile table. */
export function make(turn: Turn, move: Move, subject: Subject): void {
  const { hostId, stream, id, issued, result, rebooted = issued?.rebooted ?? false } = subject;
  const ending = issued?.ending;
  const cancel = (cause: Reason): void => say(turn, stream, { kind: 'cancel', id, cause });
  switch (move) {
    case 'nothing':
      return;
    case 'resend':
      // The agent buries what it does not know, and answers for it.
      if (ending) cancel(ending);
      else turn.effects.push({ kind: 'dispatch', stream, hostId, id });
      return;
    case 'accepted':
    case 'started':
      advance(turn, hostId, id, move === 'accepted' ? 'ACCEPTED' : 'STARTED');
      if (ending) cancel(ending);
      return;
    case 'takeResult':
      if (result) end(turn, hostId, id, result, stream);
      return;
    case 'recall':
      if (issued && rebooted) turn.state.hosts.get(hostId)?.issued.set(id, { ...issued, rebooted });
      say(turn, stream, { kind: 'recall', id });
      return;
    case 'lost':
      end(turn, hostId, id, unknownOutcome(issued, rebooted));
      return;
    case 'stateLost':
      end(turn, hostId, id, ending ? outcomes.canceledBeforeStart : outcomes.stateLost);
      return;
    case 'cancel':
      cancel('LOST');
      return;
    case 'recordLate':
      if (result) turn.effects.push({ kind: 'late', hostId, id, result, ackOn: stream });
      return;
    case 'ackOrphan':
      alert(turn, hostId, 'A result came for an attempt that is not on record', id);
      turn.effects.push({ kind: 'orphan', hostId, id, result, ackOn: stream });
      return;
    case 'orphan': {
      const { orphans } = turn.state.hosts.get(hostId) ?? {};
      if (!orphans || orphans.has(id) || orphans.size >= MOST_ORPHANS) return;
      orphans.add(id);
      alert(turn, hostId, 'An agent runs an attempt that is not on record; it may finish', id);
      turn.effects.push({ kind: 'orphan', hostId, id, result: undefined, ackOn: undefined });
      return;
    }
    case 'hold':
      hold(turn, subject);
      return;
  }
}

function hold(turn: Turn, { hostId, stream, id, unissued }: Subject): void {
  const { held } = turn.state.hosts.get(hostId) ?? {};
  if (!held || !unissued?.known) return;
  const { hash, phase, result } = unissued.entry;
  if (!held.has(id)) {
    alert(turn, hostId, 'An agent has an attempt that waits here, as after a restore of the database', id);
  }
  held.set(id, { hash, phase, result });
  turn.effects.push({ kind: 'held', hostId, stream, id, jobId: unissued.known.jobId });
}

/** The agent has journaled the attempt or runs it; what is known already is no news. */
export function advance(turn: Turn, hostId: string, id: string, dispatch: 'ACCEPTED' | 'STARTED'): void {
  const host = turn.state.hosts.get(hostId);
  const issued = host?.issued.get(id);
  if (!host || !issued || issued.dispatch === dispatch || issued.dispatch === 'STARTED') return;
  host.issued.set(id, { ...issued, dispatch });
  turn.effects.push({ kind: 'progress', hostId, id, dispatch });
}

/** SHA-256 (hex) of attempt ids, sorted and joined by newlines: what both sides compare. */
export function attemptsDigest(ids: Iterable<string>): string {
  return createHash('sha256')
    .update([...ids].toSorted().join('\n'))
    .digest('hex');
}
