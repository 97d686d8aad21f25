import { REASONS, type Observed, type Reason } from '@stackyard/domain';
import type {
  AgentMessage__Output,
  AttemptPhase__Output,
  AttemptRef,
  AttemptRef__Output,
  ComponentStatus__Output,
  Hello__Output,
  HostFacts__Output,
  Result__Output,
  ServerMessage,
} from '@stackyard/proto';
import type { Facts } from '../../database/entities.ts';
import type {
  AgentSays,
  AttemptResult,
  InventoryEntry,
  Place,
  SeenComponent,
  ServerSays,
  WirePhase,
} from './messages.ts';

/** What goes into every Welcome and HeartbeatAck. */
export interface WireTerms {
  readonly installId: string;
  readonly epoch: number;
  readonly killGraceMs: number;
}

const phases: Readonly<Record<AttemptPhase__Output, WirePhase | undefined>> = {
  ATTEMPT_PHASE_UNSPECIFIED: undefined,
  ATTEMPT_PHASE_ACCEPTED: 'ACCEPTED',
  ATTEMPT_PHASE_STARTED: 'STARTED',
  ATTEMPT_PHASE_EXITED: 'EXITED',
  ATTEMPT_PHASE_TOMBSTONE: 'TOMBSTONE',
};
const reasons: ReadonlySet<string> = new Set(REASONS);
const observedValues: ReadonlySet<string> = new Set(['UNKNOWN', 'STOPPED', 'STARTING', 'RUNNING', 'UNHEALTHY']);
/** Longest text taken from an agent, in characters. */
const TEXT_LIMIT = 16_384;
/** Longest name or version taken from an agent, in characters; what the columns hold. */
const WORD_LIMIT = 255;
/** All names and values of `outputs` or `applied` of one result, in characters. */
const OUTPUTS_LIMIT = 65_536;
const APPLIED_LIMIT = 1024 * 1024;
/** Most JDKs taken from one host. */
const JAVAS = 100;
const INT_MAX = 2 ** 31 - 1;
/** The end of the year 9999. */
const TIME_MAX = 253_402_300_799_999;

export function attemptIdOf(ref: AttemptRef__Output | null): string {
  return ref ? `${ref.taskId}/${ref.number}` : '';
}

export function refOf(attemptId: string): AttemptRef {
  const slash = attemptId.lastIndexOf('/');
  return { taskId: attemptId.slice(0, slash), number: Number(attemptId.slice(slash + 1)) };
}

/** A message of an agent in the server's words; undefined for what this version does not know. */
export function fromWire(message: AgentMessage__Output): AgentSays | undefined {
  switch (message.body) {
    case 'hello':
      return message.hello ? fromHello(message.hello) : undefined;
    case 'heartbeat':
      return message.heartbeat
        ? { kind: 'heartbeat', n: message.heartbeat.n, digest: message.heartbeat.attemptsDigest.toString('hex') }
        : undefined;
    case 'dispatchReply': {
      if (!message.dispatchReply) return undefined;
      const { attempt, answer, phase, reason, message: text } = message.dispatchReply;
      const id = attemptIdOf(attempt);
      switch (answer) {
        case 'DISPATCH_ANSWER_ACCEPTED':
          return { kind: 'accepted', id };
        case 'DISPATCH_ANSWER_DUPLICATE':
          return { kind: 'duplicate', id, phase: phases[phase] ?? 'ACCEPTED' };
        case 'DISPATCH_ANSWER_REFUSED':
          return { kind: 'refused', id, reason, message: limited(text) };
        case 'DISPATCH_ANSWER_UNSPECIFIED':
          return undefined;
      }
      return undefined;
    }
    case 'started':
      return message.started ? { kind: 'started', id: attemptIdOf(message.started.attempt) } : undefined;
    case 'result': {
      if (!message.result) return undefined;
      const { attempt, envelopeHash } = message.result;
      return {
        kind: 'result',
        id: attemptIdOf(attempt),
        hash: envelopeHash.toString('hex'),
        result: fromResult(message.result),
      };
    }
    case 'cancelReply': {
      const phase = message.cancelReply && phases[message.cancelReply.phase];
      return phase ? { kind: 'cancelReply', id: attemptIdOf(message.cancelReply?.attempt ?? null), phase } : undefined;
    }
    case 'forgotten':
      return message.forgotten ? { kind: 'forgotten', id: attemptIdOf(message.forgotten.attempt) } : undefined;
    case 'componentStatuses':
      return { kind: 'components', components: (message.componentStatuses?.components ?? []).map(fromComponent) };
    case 'facts':
      return message.facts ? { kind: 'facts', place: fromFacts(message.facts) } : undefined;
    // How the stream ends, and whom its agent trusts, is not the session's affair.
    case 'goodbye':
    case 'trusted':
    case undefined:
      return undefined;
  }
}

function fromHello(hello: Hello__Output): AgentSays {
  const { protoMin, protoMax, installId, maxEpochSeen, journalId } = hello;
  return {
    kind: 'hello',
    protoMin,
    protoMax,
    installId,
    maxEpochSeen,
    agentBootId: word(hello.agentBootId),
    hostBootId: word(hello.hostBootId),
    journalId,
    agentVersion: word(hello.agentVersion),
    place: hello.facts ? fromFacts(hello.facts) : undefined,
    inventory: hello.inventory.flatMap((entry): InventoryEntry[] => {
      const phase = phases[entry.phase];
      const hash = entry.envelopeHash.toString('hex');
      const result = entry.result ? fromResult(entry.result) : undefined;
      return phase ? [{ id: attemptIdOf(entry.attempt), hash, phase, result }] : [];
    }),
    components: hello.components.map(fromComponent),
  };
}

function fromResult(result: Result__Output): AttemptResult {
  const { exitCode, signal, startedAtMs, durationMs, logSize, outputs, applied } = result;
  const told = {
    reason: reasonOf(result.reason),
    message: limited(result.message),
    exitCode,
    signal: word(signal),
    startedAtMs: Math.min(startedAtMs, TIME_MAX),
    durationMs: Math.min(durationMs, INT_MAX),
    logSize: Math.min(logSize, Number.MAX_SAFE_INTEGER),
  };
  if (lengthOf(outputs) <= OUTPUTS_LIMIT && lengthOf(applied) <= APPLIED_LIMIT) return { ...told, outputs, applied };
  const message = `The task put out more than is kept: at most ${OUTPUTS_LIMIT} characters of outputs and ${APPLIED_LIMIT} of written files. Nothing of it was stored; put out less.`;
  return { ...told, reason: told.reason ?? 'EXIT_NONZERO', message, outputs: {}, applied: {} };
}

function lengthOf(map: Readonly<Record<string, string>>): number {
  let sum = 0;
  for (const [name, value] of Object.entries(map)) sum += name.length + value.length;
  return sum;
}

/** A word that this version does not know still says that the attempt did not succeed. */
function reasonOf(reason: string): Reason | undefined {
  if (reason === '') return undefined;
  return reasons.has(reason) ? (reason as Reason) : 'EXIT_NONZERO';
}

function fromComponent(status: ComponentStatus__Output): SeenComponent {
  const { hostComponentId: id, role, sinceMs } = status;
  const [restarts, pid] = [Math.min(status.restarts, INT_MAX), Math.min(status.pid, INT_MAX)];
  const observed = observedValues.has(status.observed) ? (status.observed as Observed) : 'UNKNOWN';
  return { id, observed, message: limited(status.message), role: word(role), restarts, pid, sinceMs };
}

function fromFacts(wire: HostFacts__Output): Place {
  const { cpus, memory, disk, privileged, address, bind, root, local } = wire;
  const [hostname, os, kernel, arch] = [word(wire.hostname), word(wire.os), word(wire.kernel), word(wire.arch)];
  const java = wire.java.slice(0, JAVAS).map(({ home, version, vendor }) => ({
    home: word(home),
    version: word(version),
    vendor: word(vendor),
  }));
  const more = lengthOf(wire.more) <= OUTPUTS_LIMIT ? wire.more : {};
  const osFamily = word(wire.osFamily);
  const facts: Facts = { hostname, os, osFamily, kernel, arch, cpus, memory, disk, java, privileged, more };
  return { address, bind, root, local, facts };
}

function word(text: string): string {
  return text.slice(0, WORD_LIMIT);
}

function limited(text: string): string {
  return text.length <= TEXT_LIMIT ? text : `${text.slice(0, TEXT_LIMIT)}…`;
}

export function toWire(message: ServerSays, terms: WireTerms): ServerMessage {
  switch (message.kind) {
    case 'welcome': {
      const { installId, epoch } = terms;
      const { sessionNo, heartbeatMs, leaseMs } = message;
      return { welcome: { installId, epoch, sessionNo, heartbeatMs, leaseMs } };
    }
    case 'heartbeatAck':
      return { heartbeatAck: { n: message.n, leaseMs: message.leaseMs, heartbeatMs: message.heartbeatMs } };
    case 'resultAck':
      return { resultAck: { attempt: refOf(message.id) } };
    case 'recall':
      return { recall: { attempt: refOf(message.id) } };
    case 'cancel':
      return { cancel: { attempt: refOf(message.id), graceMs: terms.killGraceMs, cause: message.cause } };
  }
}
