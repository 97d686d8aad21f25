import { createHash } from 'node:crypto';
import {
  type AgentMessage,
  type AttemptPhase,
  type AttemptRef__Output,
  type ComponentStatus,
  decodeTerms,
  type HostFacts,
  type Result,
  type ServerMessage__Output,
} from '@stackyard/proto';
import type {
  AgentSays,
  AttemptRef,
  AttemptResult,
  InventoryEntry,
  ServerSays,
  Terms,
  WirePhase,
} from './session/messages.ts';

/** What an agent says beside the session's own words. */
export interface HelloExtras {
  readonly agentBootId: string;
  readonly hostBootId: string;
  readonly journalId: string;
  readonly agentVersion: string;
  readonly facts: HostFacts | null;
  readonly components: readonly ComponentStatus[];
  /** SHA-256 of every authority that is trusted. */
  readonly trusted: readonly string[];
}

export interface Gauges {
  readonly spoolBytes: number;
  readonly diskFree: number;
  readonly loopLagMs: number;
}

export interface Extras {
  hello(): HelloExtras;
  gauges(): Gauges;
}

const phases: Record<WirePhase, AttemptPhase> = {
  ACCEPTED: 'ATTEMPT_PHASE_ACCEPTED',
  STARTED: 'ATTEMPT_PHASE_STARTED',
  EXITED: 'ATTEMPT_PHASE_EXITED',
  TOMBSTONE: 'ATTEMPT_PHASE_TOMBSTONE',
};

/** The version of the protocol this agent speaks. */
export const PROTOCOL = 1;

export function toWire(message: AgentSays, extras: Extras): AgentMessage {
  switch (message.kind) {
    case 'hello': {
      const { components, trusted, ...identity } = extras.hello();
      const { installId, maxEpochSeen } = message;
      const inventory = message.inventory.map(toInventory);
      const range = { protoMin: PROTOCOL, protoMax: PROTOCOL };
      const trust = { trusted: { sha256: [...trusted] } };
      return {
        hello: { ...range, ...identity, ...trust, components: [...components], installId, maxEpochSeen, inventory },
      };
    }
    case 'heartbeat': {
      const attemptsDigest = Buffer.from(message.digest, 'hex');
      return { heartbeat: { n: message.n, attemptsDigest, running: [...message.running], ...extras.gauges() } };
    }
    case 'accepted':
      return {
        dispatchReply: { attempt: message.attempt, answer: 'DISPATCH_ANSWER_ACCEPTED', phase: phases.ACCEPTED },
      };
    case 'duplicate':
      return {
        dispatchReply: {
          attempt: message.attempt,
          answer: 'DISPATCH_ANSWER_DUPLICATE',
          phase: phases[message.phase],
        },
      };
    case 'refused': {
      const { attempt, reason, message: text } = message;
      return { dispatchReply: { attempt, answer: 'DISPATCH_ANSWER_REFUSED', reason, message: text } };
    }
    case 'started':
      return { started: { attempt: message.attempt, pid: message.pid } };
    case 'result':
      return { result: toResult(message.attempt, message.hash, message.result) };
    case 'cancelReply':
      return { cancelReply: { attempt: message.attempt, phase: phases[message.phase] } };
    case 'forgotten':
      return { forgotten: { attempt: message.attempt } };
  }
}

function toInventory({ attempt, hash, phase, result }: InventoryEntry) {
  return {
    attempt,
    envelopeHash: Buffer.from(hash, 'hex'),
    phase: phases[phase],
    ...(result ? { result: toResult(attempt, hash, result) } : {}),
  };
}

function toResult(attempt: AttemptRef, hash: string, { reason, ...result }: AttemptResult): Result {
  return { attempt, envelopeHash: Buffer.from(hash, 'hex'), reason: reason ?? '', ...result };
}

/** What the server says to the session; undefined for what is no business of it. */
export function fromWire(message: ServerMessage__Output): ServerSays | undefined {
  if (message.welcome) return { kind: 'welcome', ...message.welcome };
  if (message.heartbeatAck) return { kind: 'heartbeatAck', ...message.heartbeatAck };
  if (message.resultAck) return { kind: 'resultAck', attempt: refOf(message.resultAck.attempt) };
  if (message.recall) return { kind: 'recall', attempt: refOf(message.recall.attempt) };
  if (message.goaway) return { kind: 'goaway', ...message.goaway };
  if (message.cancel) {
    const { attempt, graceMs, cause } = message.cancel;
    return { kind: 'cancel', attempt: refOf(attempt), graceMs, cause };
  }
  if (message.dispatch) {
    const { attempt, envelope, envelopeHash } = message.dispatch;
    return {
      kind: 'dispatch',
      attempt: refOf(attempt),
      hash: envelopeHash.toString('hex'),
      envelope,
      terms: termsOf(envelope),
    };
  }
  return undefined;
}

function refOf(ref: AttemptRef__Output | null): AttemptRef {
  return { taskId: ref?.taskId ?? '', number: ref?.number ?? 0 };
}

/** The terms of an envelope. Bytes that are no envelope give terms that match no attempt, so the session refuses them. */
export function termsOf(envelope: Buffer): Terms {
  try {
    const { taskId, attempt, timeoutMs, killGraceMs, startWithinMs, self } = decodeTerms(envelope);
    return { taskId, number: attempt, timeoutMs, killGraceMs, startWithinMs, root: self?.root };
  } catch {
    return { taskId: '', number: -1, timeoutMs: 0, killGraceMs: 0, startWithinMs: 0 };
  }
}

/** SHA-256 of an envelope's bytes, hex. */
export function envelopeHash(envelope: Buffer): string {
  return createHash('sha256').update(envelope).digest('hex');
}
