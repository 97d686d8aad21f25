import type { Clock, Logger } from '@stackyard/kernel';
import type { AgentUpdate } from '@stackyard/proto';
import type { JobRow, TaskRow } from '../database/entities.ts';
import type { EpochLostError } from '../database/errors.ts';
import type { Database } from '../database/openDatabase.ts';
import type { Identity } from '../identity/identity.ts';
import { AgentSessions } from './agents.ts';
import { type EngineCounts, statsOf } from './core/stats.ts';
import { EngineDriver } from './driver.ts';
import type { BlobSource } from './gateway/download.ts';
import type { OpenSecret } from './gateway/secrets.ts';
import type { Address } from './gateway/gateway.ts';
import { Preparer } from './preparer.ts';
import { loadJob, waitingJobs } from './rows.ts';
import type { Engine, EnvelopeSource, Issuable, KnownJob, LogStore, StoredJob } from './ports.ts';
import { requestCancel, resumeJob, retryJob } from './requests.ts';
import { defaultSettings, type EngineSettings } from './settings.ts';
import { Trimmer } from './trim.ts';
import type { Histogram } from './writer/histogram.ts';
import { Writer } from './writer/writer.ts';

export interface EngineOptions {
  readonly db: Database;
  readonly epoch: number;
  readonly identity: Identity;
  readonly envelopes: EnvelopeSource;
  readonly logs: LogStore;
  /** Where downloads look for a digest. */
  readonly blobs: BlobSource;
  /** What opens the secrets of a service. */
  readonly openSecret: OpenSecret;
  readonly log: Logger;
  readonly clock: Clock;
  readonly settings?: Partial<EngineSettings>;
  /** The writer to use, when others were given it before; else the engine makes its own. */
  readonly writer?: Writer;
  /** Another server has taken over the database: this one must end. */
  readonly onFenced?: (error: EpochLostError) => void;
}

export interface EngineStats extends EngineCounts {
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
  readonly #driver: EngineDriver;
  readonly #agents: AgentSessions;
  readonly #trimmer: Trimmer;
  readonly #queuesReadMs: number;
  #look: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { db, epoch, identity, log, clock, logs, blobs, openSecret, envelopes } = options;
    const settings = { ...defaultSettings, ...options.settings };
    this.#queuesReadMs = settings.queuesReadMs;
    this.events = options.writer ?? new Writer({ db, epoch, log, clock, onFenced: (error) => this.#fenced(error) });
    this.#trimmer = new Trimmer({ sql: db.sql, retention: settings.retention, log, clock });
    const preparer = new Preparer({
      envelopes,
      prepared: (built) => this.#driver.happened({ kind: 'prepared', envelopes: built }),
      unprepared: (attemptId, result) => this.#driver.happened({ kind: 'unprepared', attemptId, result }),
    });
    const { heartbeatMs, leaseMs, lostAfterMs, killGraceMs, tasksPerHost } = settings;
    this.#driver = new EngineDriver({
      terms: { installId: identity.installId, epoch, heartbeatMs, leaseMs, lostAfterMs, killGraceMs, tasksPerHost },
      writer: this.events,
      preparer,
      loadJob: (jobId) => loadJob(db.sql, jobId),
      agents: () => this.#agents,
      log,
      clock,
    });
    this.#agents = new AgentSessions({
      sql: db.sql,
      epoch,
      identity,
      writer: this.events,
      envelopes,
      logs,
      blobs,
      openSecret,
      log,
      clock,
      settings,
      driver: this.#driver,
      envelopeOf: (attemptId) => preparer.get(attemptId)?.bytes,
    });
  }

  /** Rebuilds from rows what ran before: jobs in their queues, and what agents were sent. */
  async start(): Promise<void> {
    await this.#agents.start();
    await this.#readQueue();
    await this.#driver.loaded();
    this.#lookAtQueues();
    this.#trimmer.start();
  }

  listen(address: Address): Promise<{ port: number }> {
    return this.#agents.listen(address);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#quiet();
    await Promise.all([this.#agents.stop(), this.#trimmer.stop()]);
    if (!this.#options.writer) await this.events.stop();
  }

  abandon(): void {
    this.#quiet();
    this.#agents.abandon();
    this.events.abandon();
  }

  wake(clusterId: string, stored?: StoredJob): void {
    if (stored && this.#takes(clusterId, stored)) return;
    this.#readQueue(clusterId).catch((error: unknown) => {
      this.#options.log.error(
        { err: error, clusterId },
        'The queue of a cluster could not be read; it will be tried again',
      );
      setTimeout(() => !this.#stopped && this.wake(clusterId), RETRY_MS).unref();
    });
  }

  issuable(job: JobRow, tasks: readonly TaskRow[]): Promise<readonly Issuable[]> {
    return this.#driver.issuable(job, tasks);
  }

  forgo(jobId: string): void {
    this.#options.envelopes.release(jobId);
  }

  known(jobId: string): KnownJob | undefined {
    return this.#stopped ? undefined : this.#driver.known(jobId);
  }

  async cancel(jobId: string): Promise<void> {
    const clusterId = await requestCancel(this.events, jobId);
    if (clusterId === undefined) return;
    if (!this.#driver.state.scheduler.clusterOf.has(jobId)) await this.#readQueue(clusterId);
    this.#driver.happened({ kind: 'cancel', jobId });
    await this.#driver.loaded();
    await this.events.commit({});
  }

  async resume(jobId: string): Promise<void> {
    this.wake(await resumeJob(this.events, jobId));
    this.#driver.happened({ kind: 'resume', jobId });
    await this.events.commit({});
  }

  async retry(jobId: string): Promise<void> {
    this.wake(await retryJob(this.events, jobId));
  }

  refreshWatch(hostId: string): void {
    this.#agents.watchChanged(hostId);
  }

  updateAgent(hostId: string, update: AgentUpdate): void {
    this.#agents.update(hostId, update);
  }

  rejoined(hostId: string): void {
    this.#agents.rejoined(hostId);
  }

  revoked(hostId: string): void {
    this.#agents.revoked(hostId);
  }

  disconnect(hostId: string): void {
    this.#agents.disconnect(hostId);
  }

  reachable(hostId: string): boolean {
    return this.#driver.state.sessions.hosts.get(hostId)?.connected ?? false;
  }

  stats(): EngineStats {
    const { commitMs } = this.events.stats();
    return { ...statsOf(this.#driver.state), commitMs };
  }

  /** Not behind a job that is not known here, or not any more: what else is in the queue is to be read then. */
  #takes(clusterId: string, stored: StoredJob): boolean {
    if ('row' in stored) this.#driver.stored(stored);
    else if (this.#driver.state.scheduler.clusterOf.has(stored.ahead)) {
      const { id: jobId, position } = stored;
      this.#driver.happened({ kind: 'queued', jobId, clusterId, position });
    } else return false;
    return true;
  }

  /** Of one cluster, or of all: what is queued, and what of it is to be canceled. */
  async #readQueue(only?: string): Promise<void> {
    const jobs = await waitingJobs(this.#options.db.sql, only);
    for (const { id: jobId, clusterId, position } of jobs) {
      this.#driver.happened({ kind: 'queued', jobId, clusterId, position });
    }
    for (const { id: jobId, cancelRequested } of jobs) {
      if (cancelRequested) this.#driver.happened({ kind: 'cancel', jobId });
    }
    for (const { id: jobId, pause } of jobs) {
      if (pause === 'RESUMED') this.#driver.happened({ kind: 'resume', jobId });
    }
  }

  /** A request whose commit got no answer may have happened, and nobody else would see to it. */
  #lookAtQueues(): void {
    this.#look = setTimeout(() => {
      this.#readQueue().then(
        () => !this.#stopped && this.#lookAtQueues(),
        (error: unknown) => {
          this.#options.log.error({ err: error }, 'The queues could not be read; it will be tried again');
          if (!this.#stopped) this.#lookAtQueues();
        },
      );
    }, this.#queuesReadMs).unref();
  }

  #quiet(): void {
    this.#stopped = true;
    clearTimeout(this.#look);
    this.#driver.stop();
    void this.#trimmer.stop();
  }

  #fenced(error: EpochLostError): void {
    this.#options.log.fatal({ err: error }, 'Another server has taken over the database');
    this.#quiet();
    this.#agents.abandon();
    this.#options.onFenced?.(error);
  }
}
