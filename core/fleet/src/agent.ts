import { randomUUID } from 'node:crypto';
import {
  ControlConnection,
  Credentials,
  type Extras,
  fromWire,
  type Identity,
  Renewal,
  renewOnline,
  renewExpired,
  session,
  sha256sOf,
  toWire,
} from '@stackyard/agent';
import type {
  ComponentStatus,
  Envelope__Output,
  HostFacts,
  TrustAuthorities__Output,
  WatchedComponent__Output,
} from '@stackyard/proto';
import { decodeEnvelope, durationOf, type FakeExecution, fakeResult } from './executor.ts';

type Ref = session.AttemptRef;
type Running = { readonly stop: () => void };

/** What a simulated agent counts. */
export interface AgentCounts {
  started: number;
  succeeded: number;
  failed: number;
  killed: number;
  connections: number;
  /** Certificates that were renewed. */
  renewals: number;
  /** Certificates that had expired before they were renewed. */
  lapses: number;
}

export interface SimulatedAgentOptions {
  readonly identity: Identity;
  readonly hostName: string;
  readonly execution: FakeExecution;
  readonly counts: AgentCounts;
  /** The session is welcome, or the connection is gone. */
  readonly connected: (is: boolean) => void;
}

/** An agent that speaks the real protocol through the real session, with a journal in memory and tasks that only last. */
export class SimulatedAgent implements session.SessionWorld {
  readonly #options: SimulatedAgentOptions;
  readonly #connection: ControlConnection;
  readonly #credentials: Credentials;
  readonly #renewal: Renewal;
  readonly #driver: session.SessionDriver;
  readonly #orders = new Map<string, Envelope__Output>();
  readonly #running = new Map<string, Running>();
  readonly #components = new Map<string, ComponentStatus>();
  readonly #bootId = randomUUID();
  readonly #journalId = randomUUID();
  #stream = 0;
  #count = 0;
  #isConnected = false;

  constructor(options: SimulatedAgentOptions) {
    this.#options = options;
    this.#driver = new session.SessionDriver(session.newSession(options.identity.installId), this);
    this.#credentials = new Credentials(options.identity);
    this.#renewal = new Renewal({
      credentials: this.#credentials,
      online: (request) => renewOnline(this.#credentials, request),
      expired: (identity) => {
        options.counts.lapses += 1;
        return renewExpired(identity);
      },
      renewed: () => (options.counts.renewals += 1),
    });
    this.#connection = new ControlConnection(this.#credentials, {
      opened: (stream) => {
        this.#stream = stream;
        options.counts.connections += 1;
        this.#driver.happened({ kind: 'connected', stream });
      },
      received: (stream, message) => {
        if (message.trust) return void this.#trust(message.trust);
        if (message.watchComponents) return this.#watch(message.watchComponents.components);
        const said = fromWire(message);
        if (said) this.#driver.happened({ kind: 'received', stream, message: said });
        if (said?.kind === 'welcome') this.#tellConnected(true);
      },
      closed: (stream) => {
        this.#tellConnected(false);
        this.#driver.happened({ kind: 'disconnected', stream });
      },
    });
  }

  connect(): void {
    this.#connection.start();
    this.#renewal.start();
  }

  stop(): void {
    this.#renewal.stop();
    this.#connection.stop();
    this.#driver.stop();
    for (const { stop } of this.#running.values()) stop();
    this.#running.clear();
  }

  // ---- the world of the session: memory, a clock and timers

  now(): number {
    return performance.now();
  }

  send(stream: number, message: session.AgentSays): void {
    this.#connection.send(stream, toWire(message, this.#extras));
    if (message.kind !== 'hello') this.#connection.settled();
  }

  close(stream: number, reason: string, retryAfterMs: number): void {
    this.#connection.close(stream, reason, retryAfterMs);
  }

  async saveFence(): Promise<void> {}

  ask(effect: session.AttemptEffect): void {
    switch (effect.kind) {
      case 'journal': {
        const { attempt, envelope } = effect.order;
        this.#orders.set(session.attemptId(attempt), decodeEnvelope(envelope));
        return this.#driver.happened({ kind: 'journaled', attempt });
      }
      case 'bury':
        return this.#driver.happened({ kind: 'tombstoned', attempt: effect.attempt });
      case 'finish':
        return this.#driver.happened({ kind: 'exited', attempt: effect.attempt, result: effect.result });
      case 'settle':
        this.#orders.delete(session.attemptId(effect.attempt));
        return;
      case 'start':
        return this.#start(effect.attempt);
      case 'end':
        return this.#end(effect.attempt, effect);
    }
  }

  #start(attempt: Ref): void {
    const id = session.attemptId(attempt);
    const envelope = this.#orders.get(id);
    if (!envelope) return;
    const startedAtMs = Date.now();
    this.#count += 1;
    this.#options.counts.started += 1;
    const count = this.#count;
    const exit = (): void => {
      this.#running.delete(id);
      const { failEvery } = this.#options.execution;
      const result = fakeResult(envelope, { count, failEvery, startedAtMs });
      if (result.reason) this.#options.counts.failed += 1;
      else this.#succeeded(envelope);
      this.#driver.happened({ kind: 'exited', attempt, result });
    };
    this.#running.set(id, later(durationOf(envelope, this.#options.execution), exit));
    this.#driver.happened({ kind: 'started', attempt, pid: process.pid });
  }

  #end(attempt: Ref, { reason }: { readonly reason: 'KILLED' | 'TIMEOUT' }): void {
    const id = session.attemptId(attempt);
    const running = this.#running.get(id);
    const envelope = this.#orders.get(id);
    if (!running || !envelope) return;
    running.stop();
    this.#running.delete(id);
    this.#options.counts.killed += 1;
    const result = fakeResult(envelope, { count: 0, failEvery: undefined, startedAtMs: Date.now() });
    const ended = { ...result, reason, message: 'It was ended.', exitCode: 143, signal: 'SIGTERM', applied: {} };
    this.#driver.happened({ kind: 'exited', attempt, result: ended });
  }

  alert(message: string): void {
    process.emitWarning(`${this.#options.hostName}: ${message}`);
  }

  failed(error: unknown): void {
    throw error;
  }

  // ---- components: as the last task left them

  #watch(components: readonly WatchedComponent__Output[]): void {
    const watched = new Set(components.map(({ self }) => self?.hostComponentId ?? ''));
    for (const id of this.#components.keys()) if (!watched.has(id)) this.#components.delete(id);
    for (const { self } of components) {
      const id = self?.hostComponentId ?? '';
      if (!this.#components.has(id)) this.#components.set(id, componentStatus(id, 'STOPPED', self?.ordinal ?? 0));
    }
    this.#tell([...this.#components.values()]);
  }

  #succeeded({ phase, self }: Envelope__Output): void {
    this.#options.counts.succeeded += 1;
    const observed = ({ start: 'RUNNING', stop: 'STOPPED' } as Readonly<Record<string, string>>)[phase];
    if (!observed || !self) return;
    const status = componentStatus(self.hostComponentId, observed, self.ordinal);
    this.#components.set(self.hostComponentId, status);
    this.#tell([status]);
  }

  async #trust(message: TrustAuthorities__Output): Promise<void> {
    const sha256 = await this.#renewal.trust(message);
    if (sha256) this.#connection.send(this.#stream, { trusted: { sha256 } });
  }

  #tell(components: ComponentStatus[]): void {
    if (components.length > 0) this.#connection.send(this.#stream, { componentStatuses: { components } });
  }

  #tellConnected(is: boolean): void {
    if (is === this.#isConnected) return;
    this.#isConnected = is;
    this.#options.connected(is);
  }

  readonly #extras: Extras = {
    hello: () => ({
      agentBootId: this.#bootId,
      hostBootId: this.#bootId,
      journalId: this.#journalId,
      agentVersion: 'simulated',
      facts: simulatedFacts(this.#options.hostName),
      components: [...this.#components.values()],
      trusted: sha256sOf(this.#credentials.identity.authorities),
    }),
    gauges: () => ({ spoolBytes: 0, diskFree: 2 ** 40, loopLagMs: 0 }),
  };
}

function later(afterMs: number, then: () => void): Running {
  if (afterMs > 0) {
    const timer = setTimeout(then, afterMs);
    return { stop: () => clearTimeout(timer) };
  }
  const immediate = setImmediate(then);
  return { stop: () => clearImmediate(immediate) };
}

function componentStatus(hostComponentId: string, observed: string, ordinal: number): ComponentStatus {
  const pid = observed === 'RUNNING' ? process.pid : 0;
  return {
    hostComponentId,
    observed,
    ordinal,
    pid,
    restarts: 0,
    role: '',
    message: '',
    sinceMs: Date.now(),
    health: {},
  };
}

/** A plausible host: every stack that asks for a JDK finds one. */
function simulatedFacts(hostName: string): HostFacts {
  return {
    hostname: hostName,
    os: 'Simulated Linux',
    kernel: '6.0',
    arch: 'x64',
    cpus: 8,
    memory: 32 * 2 ** 30,
    disk: 2 ** 40,
    java: [{ home: '/usr/lib/jvm/simulated-17', version: '17.0.15', vendor: 'Simulated' }],
    root: '/',
    address: hostName,
    bind: '0.0.0.0',
    local: false,
    privileged: true,
    more: {},
  };
}
