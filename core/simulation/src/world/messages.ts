import type { session } from '@stackyard/agent';
import type { AgentSays, AttemptResult, InventoryEntry, ServerSays } from '@stackyard/server/engine';
import { idOf, refOf } from './spool.ts';

/** What each side adds to the words of its core on the way to the wire. */
export interface AgentExtras {
  readonly agentBootId: string;
  readonly hostBootId: string;
  readonly journalId: string;
}

export interface ServerExtras {
  readonly installId: string;
  readonly epoch: number;
  readonly killGraceMs: number;
}

/** An agent's message with what its adapter adds. */
export type Up = { readonly message: session.AgentSays; readonly extras: AgentExtras };
export type Down = session.ServerSays;

/** As the server's core hears it. */
export function toServer({ message, extras }: Up): AgentSays {
  switch (message.kind) {
    case 'hello':
      return {
        kind: 'hello',
        protoMin: 1,
        protoMax: 1,
        installId: message.installId,
        maxEpochSeen: message.maxEpochSeen,
        ...extras,
        agentVersion: 'simulated',
        place: undefined,
        inventory: message.inventory.map(toEntry),
        components: [],
      };
    case 'heartbeat':
      return { kind: 'heartbeat', n: message.n, digest: message.digest };
    case 'accepted':
    case 'started':
    case 'forgotten':
      return { kind: message.kind, id: idOf(message.attempt) };
    case 'duplicate':
    case 'cancelReply':
      return { kind: message.kind, id: idOf(message.attempt), phase: message.phase };
    case 'refused':
      return { kind: 'refused', id: idOf(message.attempt), reason: message.reason, message: message.message };
    case 'result':
      return { kind: 'result', id: idOf(message.attempt), hash: message.hash, result: toResult(message.result) };
  }
}

function toEntry({ attempt, hash, phase, result }: session.InventoryEntry): InventoryEntry {
  return { id: idOf(attempt), hash, phase, result: result && toResult(result) };
}

function toResult(result: session.AttemptResult): AttemptResult {
  return { ...result, reason: result.reason };
}

/** As the agent's core hears it; a command brings its own. */
export function toAgent(message: ServerSays, extras: ServerExtras): Down {
  switch (message.kind) {
    case 'welcome':
      return { ...message, installId: extras.installId, epoch: extras.epoch };
    case 'heartbeatAck':
      return message;
    case 'resultAck':
      return { kind: 'resultAck', attempt: refOf(message.id) };
    case 'recall':
      return { kind: 'recall', attempt: refOf(message.id) };
    case 'cancel':
      return { kind: 'cancel', attempt: refOf(message.id), graceMs: extras.killGraceMs, cause: message.cause };
  }
}

/** A stream never says twice who speaks; all the rest an adapter might. */
export function isRepeatable(message: Up | Down): boolean {
  const { kind } = 'extras' in message ? message.message : message;
  return kind !== 'hello' && kind !== 'welcome' && kind !== 'goaway';
}
