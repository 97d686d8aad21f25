import type { EntityManager } from '@mikro-orm/postgresql';
import { isTerminal } from '@stackyard/domain';
import { NotFoundError } from '../api/errors.ts';
import { isUuid } from '../clusters/lookup.ts';
import { JobNotRetryableError, RetryRefusedError } from '../commands/errors.ts';
import { Cluster, Job, type JobRow, Task, type TaskRow } from '../database/entities.ts';
import type { Engine, Events } from '../engine/ports.ts';

/** Looking at jobs, waiting for them, cancelling and retrying. */
export class Jobs {
  readonly #em: () => EntityManager;
  readonly #engine: Pick<Engine, 'cancel' | 'retry'>;
  readonly #events: Pick<Events, 'subscribe'>;

  constructor(parts: {
    em: () => EntityManager;
    engine: Pick<Engine, 'cancel' | 'retry'>;
    events: Pick<Events, 'subscribe'>;
  }) {
    this.#em = parts.em;
    this.#engine = parts.engine;
    this.#events = parts.events;
  }

  /** @throws NotFoundError */
  async get(id: string): Promise<JobRow> {
    const row = isUuid(id) ? await this.#em().findOne(Job, { id }) : null;
    if (!row) throw new NotFoundError({ what: 'job', name: id });
    return row;
  }

  /** @throws NotFoundError */
  async task(id: string): Promise<TaskRow> {
    const row = isUuid(id) ? await this.#em().findOne(Task, { id }) : null;
    if (!row) throw new NotFoundError({ what: 'task', name: id });
    return row;
  }

  /** @throws NotFoundError */
  async clusterOf(id: string): Promise<string> {
    return (await this.#glance(id)).clusterId;
  }

  /** The job when it is terminal, or as it is when the time is up or the caller gone. */
  async wait(id: string, waitMs: number, signal: AbortSignal): Promise<JobRow> {
    const until = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
    let wake = Promise.withResolvers<void>();
    const undo = this.#events.subscribe(() => wake.resolve());
    until.addEventListener('abort', () => wake.resolve());
    try {
      for (;;) {
        const { state } = await this.#glance(id);
        if (isTerminal(state) || until.aborted) return await this.get(id);
        await wake.promise;
        wake = Promise.withResolvers<void>();
      }
    } finally {
      undo();
    }
  }

  /** Cancels what has not ended; nothing happens to a finished job. */
  async cancel(id: string): Promise<JobRow> {
    const job = await this.get(id);
    if (!isTerminal(job.state)) await this.#engine.cancel(id);
    return this.get(id);
  }

  /** @throws JobNotRetryableError, RetryRefusedError when layout or configs moved on since the job was made. */
  async retry(id: string): Promise<JobRow> {
    const job = await this.get(id);
    if (job.state !== 'FAILED' && job.state !== 'CANCELED')
      throw new JobNotRetryableError({ job: id, state: job.state });
    const cluster = await this.#em().findOne(Cluster, { id: job.clusterId });
    if (cluster?.revision !== job.basis)
      throw new RetryRefusedError({ job: id, cluster: cluster?.name ?? 'its cluster' });
    await this.#engine.retry(id);
    return this.get(id);
  }

  /** What is looked at after every commit, without the price of a managed row. */
  async #glance(id: string): Promise<Pick<JobRow, 'clusterId' | 'state'>> {
    const rows = isUuid(id)
      ? await this.#em().execute<Pick<JobRow, 'clusterId' | 'state'>[]>(
          'select cluster_id as "clusterId", state from job where id = ?',
          [id],
        )
      : [];
    if (!rows[0]) throw new NotFoundError({ what: 'job', name: id });
    return rows[0];
  }
}
