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
  EnvelopeTerms__Output,
  TrustAuthorities__Output,
  WatchedComponent__Output,
} from '@stackyard/proto';
import type { FakeExecution } from './executor.ts';
import { simulatedFacts, simulatedStatus } from './host.ts';
import { FakeLogs } from './logs.ts';
import type { Random } from './random.ts';
import { FakeTasks, type TaskCounts } from './tasks.ts';

/** What simulated agents count, together. */
export interface AgentCounts extends TaskCounts {
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
  readonly random: Random;
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
  readonly #tasks: FakeTasks;
  readonly #logs: FakeLogs | undefined;
  readonly #components = new Map<string, ComponentStatus>();
  readonly #bootId = randomUUID();
  readonly #journalId = randomUUID();
  #stream = 0;
  #isConnected = false;

  constructor(options: SimulatedAgentOptions) {
    this.#options = options;
    const { execution, random, counts } = options;
    this.#tasks = new FakeTasks({
      execution,
      random,
      counts,
      exited: (attempt, result, envelope) => this.#exited(attempt, result, envelope),
      printed: (attempt, output) => this.#logs?.printed(attempt, output),
    });
    this.#driver = new session.SessionDriver(session.newSession(options.identity.installId), this);
    this.#credentials = new Credentials(options.identity);
    if (execution.lines) this.#logs = new FakeLogs(this.#credentials);
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
    this.#tasks.stop();
    this.#logs?.stop();
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

  /** A journal in memory forgets what was acknowledged. */
  async recall(): Promise<undefined> {}

  ask(effect: session.AttemptEffect): void {
    switch (effect.kind) {
      case 'journal':
        this.#tasks.accept(effect.order);
        return this.#driver.happened({ kind: 'journaled', attempt: effect.order.attempt });
      case 'bury':
        return this.#driver.happened({ kind: 'tombstoned', attempt: effect.attempt });
      case 'finish':
        return this.#driver.happened({ kind: 'exited', attempt: effect.attempt, result: effect.result });
      case 'settle':
        return this.#tasks.settle(effect.attempt);
      case 'start': {
        const { attempt } = effect;
        if (this.#tasks.start(attempt)) this.#driver.happened({ kind: 'started', attempt, pid: process.pid });
        return;
      }
      case 'end':
        return this.#tasks.end(effect.attempt, effect.reason);
    }
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
      if (!this.#components.has(id)) this.#components.set(id, simulatedStatus(id, 'STOPPED', self?.ordinal ?? 0));
    }
    this.#tell([...this.#components.values()]);
  }

  #exited(attempt: session.AttemptRef, result: session.AttemptResult, envelope: EnvelopeTerms__Output): void {
    if (result.reason === undefined) this.#changed(envelope);
    this.#driver.happened({ kind: 'exited', attempt, result });
  }

  #changed({ phase, self }: EnvelopeTerms__Output): void {
    const observed = ({ start: 'RUNNING', stop: 'STOPPED' } as Readonly<Record<string, string>>)[phase];
    if (!observed || !self) return;
    const status = simulatedStatus(self.hostComponentId, observed, self.ordinal);
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
