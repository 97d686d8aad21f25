import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AgentCredentials, channelCredentials, channelOptions } from '../../identity/testing.ts';
import {
  type AgentFrame,
  type AgentMessage,
  Agents,
  type AgentsClient,
  type AttemptPhase,
  type ComponentStatus,
  decodeEnvelope,
  type Envelope__Output,
  type Result,
  type ServerMessage__Output,
  type WatchedComponent__Output,
} from '@stackyard/proto';

type Call = ReturnType<AgentsClient['Control']>;
interface Held {
  readonly ref: { taskId: string; number: number };
  readonly hash: Buffer;
  phase: 'ATTEMPT_PHASE_ACCEPTED' | 'ATTEMPT_PHASE_STARTED' | 'ATTEMPT_PHASE_EXITED';
  result: Result | undefined;
}

/** What a script does: nothing more than this for a moment, then its result. `hold` never ends by itself. */
export type Script = (envelope: Envelope__Output) => Partial<Result> | 'hold' | Promise<Partial<Result> | 'hold'>;

/** An agent that speaks the real protocol, journals in memory and runs a function instead of a script. */
export class ScriptedAgent {
  readonly id: string;
  readonly credentials: AgentCredentials;
  readonly received: ServerMessage__Output[] = [];
  /** How often each attempt's script was started: more than once breaks the first promise. */
  readonly starts = new Map<string, number>();
  readonly held = new Map<string, Held>();
  /** Results that were acknowledged. */
  readonly settled = new Map<string, Held>();
  watched: readonly WatchedComponent__Output[] = [];
  welcome: ServerMessage__Output['welcome'];
  closedBecause: string | undefined;
  components: ComponentStatus[] = [];
  /** Answers to what would be said are kept back: as if the stream had lost its tail. */
  mute = false;
  script: Script = () => ({});
  journalId = randomUUID();
  readonly #tombstones = new Set<string>();
  #client: AgentsClient | undefined;
  #call: Call | undefined;
  #beat: NodeJS.Timeout | undefined;
  #n = 0;
  #seen = 0;
  #outbox: AgentMessage[] = [];
  #flush: NodeJS.Immediate | undefined;

  constructor(credentials: AgentCredentials) {
    this.id = credentials.agentId;
    this.credentials = credentials;
  }

  /** Opens a stream, says Hello and waits for Welcome; an error says why the server closed it instead. */
  async connect(address: string): Promise<void> {
    const client = new Agents(address, channelCredentials(this.credentials), channelOptions);
    this.#client = client;
    const call = client.Control();
    this.#call = call;
    this.closedBecause = undefined;
    this.welcome = null;
    const welcomed = Promise.withResolvers<void>();
    call.on('data', ({ messages }: { messages: ServerMessage__Output[] }) => {
      for (const message of messages) if (this.#call === call) this.#hear(message);
      if (this.welcome) welcomed.resolve();
    });
    call.on('error', (error) => {
      this.closedBecause ??= error.message;
      welcomed.reject(error);
    });
    call.on('end', () => (this.closedBecause ??= 'end'));
    this.#say({
      hello: {
        protoMin: 1,
        protoMax: 1,
        agentBootId: randomUUID(),
        hostBootId: 'boot',
        journalId: this.journalId,
        maxEpochSeen: this.#seen,
        agentVersion: '0.0.0-test',
        facts: { hostname: 'test', cpus: 2, memory: 1, disk: 1, root: '/tmp', address: '127.0.0.1', bind: '127.0.0.1' },
        components: this.components,
        inventory: [...this.held.values()].map(({ ref, hash, phase, result }) => ({
          attempt: ref,
          envelopeHash: hash,
          phase: phase as AttemptPhase,
          ...(result ? { result } : {}),
        })),
      },
    });
    await welcomed.promise;
  }

  /** Breaks the connection off, as a crash or a cut cable would. */
  cut(): void {
    clearInterval(this.#beat);
    const call = this.#call;
    this.#call = undefined;
    call?.removeAllListeners('data');
    call?.on('error', () => undefined);
    call?.cancel();
    this.#client?.close();
  }

  /** Says goodbye. */
  async leave(): Promise<void> {
    clearInterval(this.#beat);
    const call = this.#call;
    if (!call) return;
    const ended = once(call, 'end').catch(() => undefined);
    call.write({ messages: [{ goodbye: {} }] });
    call.end();
    await ended;
    this.cut();
  }

  /** Ends an attempt whose script held. */
  finish(attemptId: string, result: Partial<Result> = {}): void {
    const held = this.held.get(attemptId);
    if (!held) throw new Error(`The agent does not hold ${attemptId}.`);
    held.phase = 'ATTEMPT_PHASE_EXITED';
    held.result = { attempt: held.ref, envelopeHash: held.hash, durationMs: 1, ...result };
    this.#say({ result: held.result });
  }

  say(message: AgentMessage): void {
    this.#say(message);
  }

  #hear(message: ServerMessage__Output): void {
    this.received.push(message);
    if (message.welcome) {
      this.welcome = message.welcome;
      this.#seen = message.welcome.epoch;
      clearInterval(this.#beat);
      this.#beat = setInterval(() => this.#heartbeat(), message.welcome.heartbeatMs).unref();
    }
    if (message.watchComponents) this.watched = message.watchComponents.components;
    if (message.resultAck?.attempt) {
      const { taskId, number } = message.resultAck.attempt;
      const id = `${taskId}/${number}`;
      const held = this.held.get(id);
      if (held) this.settled.set(id, held);
      this.held.delete(id);
      this.#tombstones.add(id);
    }
    if (message.recall?.attempt) this.#recall(message.recall.attempt);
    if (message.cancel?.attempt) this.#cancel(message.cancel.attempt);
    if (message.dispatch?.attempt)
      this.#dispatched(message.dispatch.attempt, message.dispatch.envelope, message.dispatch.envelopeHash);
  }

  #cancel(ref: { taskId: string; number: number }): void {
    const id = `${ref.taskId}/${ref.number}`;
    const held = this.held.get(id);
    if (held && held.phase !== 'ATTEMPT_PHASE_EXITED') this.finish(id, { reason: 'KILLED', signal: 'SIGTERM' });
    else if (!held) {
      this.#tombstones.add(id);
      this.#say({ cancelReply: { attempt: ref, phase: 'ATTEMPT_PHASE_TOMBSTONE' } });
    }
  }

  #recall(ref: { taskId: string; number: number }): void {
    const id = `${ref.taskId}/${ref.number}`;
    const kept = this.held.get(id) ?? this.settled.get(id);
    if (kept) this.held.set(id, kept);
    if (!kept) this.#say({ forgotten: { attempt: ref } });
    else if (kept.result) this.#say({ result: kept.result });
  }

  #dispatched(ref: { taskId: string; number: number }, bytes: Buffer, hash: Buffer): void {
    const id = `${ref.taskId}/${ref.number}`;
    const held = this.held.get(id);
    if (held || this.#tombstones.has(id)) {
      const phase = held?.phase ?? 'ATTEMPT_PHASE_TOMBSTONE';
      this.#say({ dispatchReply: { attempt: ref, answer: 'DISPATCH_ANSWER_DUPLICATE', phase } });
      return;
    }
    const alive = [...this.held.values()].find(
      (other) => other.ref.taskId === ref.taskId && other.phase !== 'ATTEMPT_PHASE_EXITED',
    );
    if (alive) {
      this.#say({ dispatchReply: { attempt: ref, answer: 'DISPATCH_ANSWER_REFUSED', reason: 'PREVIOUS_RUNNING' } });
      return;
    }
    if (!createHash('sha256').update(bytes).digest().equals(hash))
      throw new Error('The envelope is not the one its hash names.');
    this.held.set(id, { ref, hash, phase: 'ATTEMPT_PHASE_STARTED', result: undefined });
    this.starts.set(id, (this.starts.get(id) ?? 0) + 1);
    this.#say({ dispatchReply: { attempt: ref, answer: 'DISPATCH_ANSWER_ACCEPTED', phase: 'ATTEMPT_PHASE_ACCEPTED' } });
    this.#say({ started: { attempt: ref, pid: 1 } });
    const outcome = this.script(decodeEnvelope(bytes));
    if (outcome instanceof Promise) void outcome.then((result) => result !== 'hold' && this.finish(id, result));
    else if (outcome !== 'hold') this.finish(id, outcome);
  }

  #heartbeat(): void {
    const ids = [...this.held.keys()].toSorted().join('\n');
    this.#say({ heartbeat: { n: ++this.#n, attemptsDigest: createHash('sha256').update(ids).digest() } });
  }

  #say(message: AgentMessage): void {
    if (this.mute) return;
    this.#outbox.push(message);
    if (this.#flush) return;
    this.#flush = setImmediate(() => {
      this.#flush = undefined;
      const frame: AgentFrame = { messages: this.#outbox };
      this.#outbox = [];
      this.#call?.write(frame);
    });
  }
}
