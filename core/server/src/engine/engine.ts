import type { Clock, Logger } from '@stackyard/kernel';
import type { ServerMessage } from '@stackyard/proto';
import type { EpochLostError } from '../database/errors.ts';
import type { Database } from '../database/openDatabase.ts';
import { AgentSessions } from './agents.ts';
import { Dispatcher } from './dispatcher.ts';
import type { BlobSource } from './gateway/download.ts';
import type { Address } from './gateway/gateway.ts';
import { waitingJobs } from './rows.ts';
import type { Engine, EnvelopeSource, LogStore } from './ports.ts';
import { requestCancel, retryJob } from './requests.ts';
import { failed } from './sessions/outcomes.ts';
import { refOf } from './sessions/wire.ts';
import { defaultSettings, type EngineSettings } from './settings.ts';
import type { Histogram } from './writer/histogram.ts';
import { Writer } from './writer/writer.ts';

export interface EngineOptions {
  readonly db: Database;
  readonly epoch: number;
  readonly installId: string;
  readonly envelopes: EnvelopeSource;
  readonly logs: LogStore;
  /** Where downloads look for a digest. */
  readonly blobs: BlobSource;
  readonly log: Logger;
  readonly clock: Clock;
  readonly settings?: Partial<EngineSettings>;
  /** The writer to use, when others were given it before; else the engine makes its own. */
  readonly writer?: Writer;
  /** Another server has taken over the database: this one must end. */
  readonly onFenced?: (error: EpochLostError) => void;
}

export interface EngineStats {
  readonly connectedAgents: number;
  readonly queuedJobs: number;
  readonly runningJobs: number;
  readonly runningTasks: number;
  /** Attempts that ended since the start, by state. */
  readonly endedAttempts: Readonly<Record<string, number>>;
  readonly commitMs: Histogram;
}

export interface RunningEngine extends Engine {
  /** Takes agents there. */
  listen(address: Address): Promise<{ port: number }>;
  stats(): EngineStats;
  /** Drops everything as a killed process would. */
  abandon(): void;
  /** The outbox, and transactions of others in commit order. */
  readonly events: Writer;
}

export function createEngine(options: EngineOptions): RunningEngine {
  return new WiredEngine(options);
}

const RETRY_MS = 1000;

class WiredEngine implements RunningEngine {
  readonly events: Writer;
  readonly #options: EngineOptions;
  readonly #dispatcher: Dispatcher;
  readonly #agents: AgentSessions;
  #orphanCheck: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { db, epoch, installId, log, clock, logs, blobs, envelopes } = options;
    const settings = { ...defaultSettings, ...options.settings };
    this.events = options.writer ?? new Writer({ db, epoch, log, clock, onFenced: (error) => this.#fenced(error) });
    const common = { sql: db.sql, epoch, writer: this.events, envelopes, log, clock };
    this.#dispatcher = new Dispatcher({
      ...common,
      tasksPerHost: settings.tasksPerHost,
      sessionOf: (hostId) => this.#agents.sessionOf(hostId),
      onIssued: (hostId, attempt) => this.#agents.issued(hostId, attempt),
      onStop: (hostId, attemptId, cause) => this.#agents.cancel(hostId, attemptId, cause),
      onSettled: (hostId, attemptId) => this.#agents.settled(hostId, attemptId),
      onComponentsChanged: (hostId, removed) => this.#agents.componentsChanged(hostId, removed),
    });
    this.#agents = new AgentSessions({
      ...common,
      installId,
      logs,
      blobs,
      settings,
      onProgress: (attemptId, dispatch) => this.#dispatcher.progressed(attemptId, dispatch),
      onResult: (attemptId, result, told) => this.#dispatcher.ended(attemptId, result, told),
      dispatchOf: (attemptId) => this.#dispatchOf(attemptId),
      onHost: (hostId, kind) => this.#dispatcher.schedule({ kind, hostId }),
    });
  }

  /** Rebuilds from rows what ran before: jobs in their queues, and what agents were sent. */
  async start(): Promise<void> {
    await this.#agents.start();
    const jobs = await waitingJobs(this.#options.db.sql);
    for (const { id: jobId, clusterId, position } of jobs) {
      this.#dispatcher.schedule({ kind: 'queued', jobId, clusterId, position });
    }
    for (const { id: jobId, cancelRequested } of jobs) {
      if (cancelRequested) this.#dispatcher.schedule({ kind: 'cancel', jobId });
    }
    await this.#dispatcher.loaded();
    for (const { hostId, attempt } of this.#dispatcher.issued()) this.#agents.issued(hostId, attempt);
    this.#orphanCheck = setInterval(() => this.#giveUpRemovedHosts(), RETRY_MS).unref();
  }

  listen(address: Address): Promise<{ port: number }> {
    return this.#agents.listen(address);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#quiet();
    await this.#agents.stop();
    if (!this.#options.writer) await this.events.stop();
  }

  abandon(): void {
    this.#quiet();
    this.#agents.abandon();
    this.events.abandon();
  }

  wake(clusterId: string): void {
    this.#readQueue(clusterId).catch((error: unknown) => {
      this.#options.log.error(
        { err: error, clusterId },
        'The queue of a cluster could not be read; it will be tried again',
      );
      setTimeout(() => !this.#stopped && this.wake(clusterId), RETRY_MS).unref();
    });
  }

  async cancel(jobId: string): Promise<void> {
    const clusterId = await requestCancel(this.events, jobId);
    if (clusterId === undefined) return;
    if (!this.#dispatcher.knows(jobId)) await this.#readQueue(clusterId);
    this.#dispatcher.schedule({ kind: 'cancel', jobId });
    await this.#dispatcher.loaded();
    await this.events.commit({});
  }

  async retry(jobId: string): Promise<void> {
    this.wake(await retryJob(this.events, jobId));
  }

  refreshWatch(hostId: string): void {
    this.#agents.componentsChanged(hostId);
  }

  disconnect(hostId: string): void {
    this.#agents.disconnect(hostId);
  }

  reachable(hostId: string): boolean {
    return this.#agents.reachable(hostId);
  }

  stats(): EngineStats {
    const { commitMs } = this.events.stats();
    return { connectedAgents: this.#agents.connected, ...this.#dispatcher.stats(), commitMs };
  }

  async #readQueue(clusterId: string): Promise<void> {
    for (const { id: jobId, position } of await waitingJobs(this.#options.db.sql, clusterId)) {
      this.#dispatcher.schedule({ kind: 'queued', jobId, clusterId, position });
    }
  }

  async #dispatchOf(attemptId: string): Promise<ServerMessage | undefined> {
    const giveUp = (why: string): undefined => {
      this.#dispatcher.ended(
        attemptId,
        failed('LOST', `The command could not be sent again after the server restarted: ${why}`),
      );
    };
    try {
      const envelope = await this.#dispatcher.envelope(attemptId);
      if (!envelope) return giveUp('it would be another one now. Retry the job.');
      const { bytes, hash } = envelope;
      return { dispatch: { attempt: refOf(attemptId), envelopeHash: Buffer.from(hash, 'hex'), envelope: bytes } };
    } catch (error) {
      return giveUp(error instanceof Error ? error.message : String(error));
    }
  }

  /** A task may become ready for a host that was removed while its job ran: nobody will ever carry it out. */
  #giveUpRemovedHosts(): void {
    for (const hostId of this.#dispatcher.awaitedHosts()) {
      if (!this.#agents.knows(hostId)) this.#dispatcher.schedule({ kind: 'hostLost', hostId });
    }
  }

  #quiet(): void {
    this.#stopped = true;
    clearInterval(this.#orphanCheck);
    this.#dispatcher.stop();
  }

  #fenced(error: EpochLostError): void {
    this.#options.log.fatal({ err: error }, 'Another server has taken over the database');
    this.#quiet();
    this.#agents.abandon();
    this.#options.onFenced?.(error);
  }
}
