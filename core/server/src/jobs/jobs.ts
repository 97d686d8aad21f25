import type { EntityManager } from '@mikro-orm/postgresql';
import { isTerminal } from '@stackyard/domain';
import { NotFoundError } from '../api/errors.ts';
import { isUuid } from '../clusters/lookup.ts';
import { JobNotRetryableError, RetryRefusedError } from '../commands/errors.ts';
import { Cluster, type TaskRow } from '../database/entities.ts';
import type { Pool } from 'pg';
import type { Engine, Events } from '../engine/ports.ts';
import { JobReader } from './reader.ts';
import { type JobFields, readTask } from './rows.ts';

/** Looking at jobs, waiting for them, cancelling and retrying. */
export class Jobs {
  readonly #em: () => EntityManager;
  readonly #sql: Pool;
  readonly #reader: JobReader;
  readonly #engine: Pick<Engine, 'known' | 'cancel' | 'resume' | 'retry'>;
  readonly #events: Pick<Events, 'subscribe'>;

  constructor(parts: {
    em: () => EntityManager;
    sql: Pool;
    engine: Pick<Engine, 'known' | 'cancel' | 'resume' | 'retry'>;
    events: Pick<Events, 'subscribe'>;
  }) {
    this.#em = parts.em;
    this.#sql = parts.sql;
    this.#reader = new JobReader(parts.sql);
    this.#engine = parts.engine;
    this.#events = parts.events;
  }

  /** @throws NotFoundError */
  async get(id: string): Promise<JobFields> {
    const row = isUuid(id) ? await this.#reader.read(id) : undefined;
    if (!row) throw new NotFoundError({ what: 'job', name: id });
    return row;
  }

  /** @throws NotFoundError */
  async task(id: string): Promise<TaskRow> {
    const row = isUuid(id) ? await readTask(this.#sql, id) : undefined;
    if (!row) throw new NotFoundError({ what: 'task', name: id });
    return row;
  }

  /** @throws NotFoundError */
  async clusterOf(id: string): Promise<string> {
    return this.#engine.known(id)?.clusterId ?? (await this.get(id)).clusterId;
  }

  /**
   * The job when it is terminal, or as it is when the time is up or the caller gone. The database is not asked about a job
   * that runs: it has enough to do with it.
   */
  async wait(id: string, waitMs: number, signal: AbortSignal): Promise<JobFields> {
    const until = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
    const timeIsUp = new Promise<undefined>((resolve) =>
      until.addEventListener('abort', () => resolve(undefined), { once: true }),
    );
    let committed = Promise.withResolvers<void>();
    const undo = this.#events.subscribe(() => committed.resolve());
    try {
      for (;;) {
        const known = until.aborted ? undefined : this.#engine.known(id);
        const ended = known && (await Promise.race([known.ended(), timeIsUp]));
        if (ended) return ended;
        const job = await this.get(id);
        if (isTerminal(job.state) || until.aborted) return job;
        // The engine has not heard of it yet.
        await Promise.race([committed.promise, timeIsUp]);
        committed = Promise.withResolvers<void>();
      }
    } finally {
      undo();
    }
  }

  /** Cancels what has not ended; nothing happens to a finished job. */
  async cancel(id: string): Promise<JobFields> {
    const job = await this.get(id);
    if (!isTerminal(job.state)) await this.#engine.cancel(id);
    return this.get(id);
  }

  /** Goes on after the first batch. @throws NotFoundError, JobNotPausedError */
  async resume(id: string): Promise<JobFields> {
    await this.get(id);
    await this.#engine.resume(id);
    return this.get(id);
  }

  /** @throws JobNotRetryableError, RetryRefusedError when layout or configs moved on since the job was made. */
  async retry(id: string): Promise<JobFields> {
    const job = await this.get(id);
    if (job.state !== 'FAILED' && job.state !== 'CANCELED')
      throw new JobNotRetryableError({ job: id, state: job.state });
    const cluster = await this.#em().findOne(Cluster, { id: job.clusterId });
    if (cluster?.revision !== job.basis)
      throw new RetryRefusedError({ job: id, cluster: cluster?.name ?? 'its cluster' });
    await this.#engine.retry(id);
    return this.get(id);
  }
}
