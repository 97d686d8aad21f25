import { randomUUID } from 'node:crypto';
import { createLogger, systemClock } from '@stackyard/kernel';
import { v7 as timeOrderedId } from 'uuid';
import { Attempt, EventRun, Task } from '../../database/entities.ts';
import { beginEpoch } from '../../database/epoch.ts';
import { type Database, openDatabase } from '../../database/openDatabase.ts';
import type { Happening } from '../core/events.ts';
import type { LoadedJob } from '../core/job.ts';
import { createEngineState } from '../core/state.ts';
import { stepEngine } from '../core/step.ts';
import { greeting, sampleJob, succeeded, terms } from '../core/testing.ts';
import type { Change } from '../writer/changes.ts';
import { Writer } from '../writer/writer.ts';

/**
 * Transitions of tasks as the engine decides them, to be made durable by the writer or by the ORM: RUNNING, then
 * SUCCESSFUL, each with the attempt, its task and an event. Answers how long that took, in milliseconds.
 */
export class Transitions {
  readonly #db: Database;
  readonly #writer: Writer;

  private constructor(db: Database, writer: Writer) {
    this.#db = db;
    this.#writer = writer;
  }

  static async open(url: string): Promise<Transitions> {
    const db = await openDatabase({ url });
    const { epoch } = await beginEpoch(db);
    const log = createLogger({ level: 'warn' });
    const onFenced = (error: Error): void => log.error({ err: error }, 'The writer was fenced');
    return new Transitions(db, new Writer({ db, epoch, log, clock: systemClock, onFenced }));
  }

  /** Two transitions of each of so many tasks, by the writer; what is submitted together shares a commit. */
  async write(tasks: number, perCommit: number): Promise<number> {
    const { job, commits } = decisions(tasks);
    await this.#insert(job);
    const begin = performance.now();
    for (let at = 0; at < commits.length; at += perCommit) {
      for (const change of commits.slice(at, at + perCommit)) this.#writer.submit(change);
      await this.#writer.commit({});
    }
    return performance.now() - begin;
  }

  /** The same by the ORM: rows are found, changed and flushed. */
  async flush(tasks: number, perCommit: number): Promise<number> {
    const { job } = decisions(tasks);
    await this.#insert(job);
    const { rows } = await this.#db.sql.query<{ newest: number }>(
      'select coalesce(max(id), 0) as newest from event_run',
    );
    let { newest } = rows[0]!;
    const begin = performance.now();
    for (const state of ['RUNNING', 'SUCCESSFUL'] as const) {
      for (let at = 0; at < tasks; at += perCommit) {
        const em = this.#db.em();
        const some = job.tasks.slice(at, at + perCommit);
        const taskRows = await em.find(Task, { id: { $in: some.map(({ id }) => id) } });
        const attempts = await em.find(Attempt, { id: { $in: some.map(({ id }) => `${id}/1`) } });
        for (const row of attempts) Object.assign(row, { state, envelopeHash: 'aa', issuedAt: new Date() });
        for (const row of taskRows) {
          Object.assign(row, { state, startedAt: new Date() });
          const { clusterId, id, jobId } = row;
          const ids = { afterId: newest, firstId: newest + 1, id: ++newest };
          em.create(EventRun, { ...ids, topic: 'task', clusterId, payloads: [{ jobId, id, state }], at: new Date() });
        }
        await em.flush();
      }
    }
    return performance.now() - begin;
  }

  async close(): Promise<void> {
    await this.#writer.stop();
    await this.#db.close();
  }

  async #insert({ tasks, attempts }: LoadedJob): Promise<void> {
    const em = this.#db.em();
    for (let at = 0; at < tasks.length; at += 1000) {
      await em.insertMany(Task, tasks.slice(at, at + 1000));
      await em.insertMany(
        Attempt,
        attempts.slice(at, at + 1000).map(({ id, taskId, jobId, hostId, number, state, logSize }) => ({
          id,
          taskId,
          jobId,
          hostId,
          number,
          state,
          logSize,
        })),
      );
    }
    await this.#db.sql.query('vacuum analyze task, attempt');
  }
}

/** What the engine decides of a job whose tasks all run at once on one host: first each is issued, then each ends. */
function decisions(tasks: number): { readonly job: LoadedJob; readonly commits: readonly Change[] } {
  const hostId = randomUUID();
  const clusterId = randomUUID();
  const sample = Array.from({ length: tasks }, () => ({ hostId }));
  const job = sampleJob(randomUUID(), sample, { clusterId }, () => timeOrderedId());
  // Its rows are changed while decisions are made; those of the beginning are to be stored.
  const before = structuredClone({ ...job, input: undefined });
  const state = createEngineState({ ...terms, tasksPerHost: tasks });
  const commits: Change[] = [];
  let commit = 0;
  const happens = (happening: Happening): void => {
    for (const effect of stepEngine(state, { ...happening, now: 0, at: new Date() })) {
      if (effect.kind !== 'commit') continue;
      commit = effect.commit;
      if (effect.change.attempts?.length) commits.push(effect.change);
    }
  };
  const journalId = randomUUID();
  const host = { name: 'host', clusterId, sessionNo: 1, journalId, hostBootId: 'b', connected: true };
  happens({ kind: 'host', hostId, ...host });
  happens({ kind: 'hello', hostId, stream: 1, hello: { ...greeting, journalId }, known: new Map() });
  happens({ kind: 'queued', jobId: job.row.id, clusterId, position: 1 });
  happens({ kind: 'loaded', job });
  const hash = 'a'.repeat(64);
  for (const { id: attemptId } of job.attempts) happens({ kind: 'prepared', envelopes: [{ attemptId, hash }] });
  happens({ kind: 'committed', commit });
  for (const { id } of job.attempts) {
    happens({ kind: 'message', hostId, stream: 1, message: { kind: 'result', id, hash, result: succeeded } });
  }
  return { job: { ...job, ...before, input: job.input }, commits };
}
