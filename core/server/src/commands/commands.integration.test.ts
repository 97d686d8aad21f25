import { randomBytes, randomUUID } from 'node:crypto';
import { createLogger, systemClock } from '@stackyard/kernel';
import type { ClusterState, CommandRequest } from '@stackyard/planner';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Cluster, type JobRow, type TaskRow } from '../database/entities.ts';
import { beginEpoch } from '../database/epoch.ts';
import { type Database, openDatabase } from '../database/openDatabase.ts';
import { loadedJob } from '../engine/core/job.ts';
import type { Issuable, StoredJob, Statements } from '../engine/ports.ts';
import { loadJob, waitingJobs } from '../engine/rows.ts';
import { Writer } from '../engine/writer/writer.ts';
import { startTestPostgres, type TestPostgres, testPostgresKinds } from '../postgres/testing.ts';
import { Seals } from '../secrets/seals.ts';
import { loadClusterState, statesOf } from './clusterState.ts';
import { Commands } from './commands.ts';
import { Renderer } from './renderer.ts';
import { emptyCluster, NEXT_DIGEST, stacks, withNext } from './testing/sample.ts';

describe.each(testPostgresKinds())('what a command hands to the engine on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let db: Database;
  let writer: Writer;
  let state: ClusterState;
  const renderer = new Renderer();
  const handed: (StoredJob | undefined)[] = [];
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
  });
  afterAll(async () => {
    await renderer.stop();
    await postgres?.stop();
  });
  const forgone: string[] = [];
  let issuable: (row: JobRow, tasks: readonly TaskRow[]) => readonly Issuable[];
  beforeEach(async () => {
    handed.length = 0;
    forgone.length = 0;
    issuable = () => [];
    db = await openDatabase({ url: await postgres.createDatabase() });
    const { epoch } = await beginEpoch(db);
    const log = createLogger({ level: 'silent' });
    writer = new Writer({ db, epoch, log, clock: systemClock, onFenced: (error) => expect.fail(error.message) });
    const bare = emptyCluster(3);
    const id = randomUUID();
    state = { ...bare, id, hosts: bare.hosts.map((host) => ({ ...host, id: randomUUID(), clusterId: id })) };
    await db.em().insert(Cluster, { id, name: 'c', title: null, revision: 1, createdAt: new Date() });
  });
  afterEach(async () => {
    await writer.stop();
    await db.close();
  });

  /** Stores the job of a command on the cluster as it is after those before. */
  const run = async (request: CommandRequest, statements: Statements = writer): Promise<string> => {
    const commands = new Commands({
      em: () => db.em(),
      statements,
      sources: { sql: db.sql, stacks, reachable: () => true },
      renderer,
      seals: new Seals(randomBytes(32)),
      engine: {
        wake: (_, stored) => void handed.push(stored),
        refreshWatch: () => undefined,
        issuable: async (row, tasks) => issuable(row, tasks),
        forgo: (id) => void forgone.push(id),
      },
    });
    const { rows } = await db.sql.query<{ revision: number }>('select revision from cluster');
    return (await commands.run({ state, revision: rows[0]!.revision }, request, { createdBy: 'admin' })).id;
  };
  const carriedOut = ({ snapshot }: Pick<JobRow, 'snapshot'>): void => {
    state = {
      ...state,
      services: snapshot.services.map(({ otherVersions: _none, ...service }) => started(state, service)),
    };
  };
  const add: CommandRequest = {
    command: 'add',
    services: [
      {
        service: 'demo',
        components: { worker: ['h1', 'h2', 'h3'], head: ['h2'] },
        config: { 'demo.properties': { threads: 3, memory: 1_000_000, dataDir: '/x' } },
      },
    ],
  };

  /** The first task as one that its agent could get at once. */
  const firstOf = (row: JobRow, tasks: readonly TaskRow[]): readonly Issuable[] => {
    const [pending] = loadedJob(row, tasks, []).attempts;
    const hash = 'a'.repeat(64);
    const sent = { envelopeHash: hash, epoch: 1, sessionNo: 3, journalId: randomUUID(), issuedAt: new Date() };
    const attempt = { ...pending!, ...sent, state: 'RUNNING', dispatch: 'SENT' } as const;
    return [{ attempt, envelope: { attemptId: attempt.id, hash, bytes: Buffer.alloc(0) } }];
  };

  test.each([
    ['as they wait', () => []],
    ['with a first task that is issued', firstOf],
  ])('the rows of the first in the queue are those that would be read, %s', async (_, first) => {
    issuable = first;
    const target = { service: 'demo' };
    const config = { 'demo.properties': { threads: 7, memory: 2_000_000 } };
    const requests: CommandRequest[] = [
      add,
      { command: 'restart', target: {} },
      { command: 'restart', target: {}, rolling: { batch: 1, pauseAfterFirst: true } },
      { command: 'configure', target, config },
      { command: 'stop', target: { ...target, hosts: ['h1', 'h3'] } },
      { command: 'remove', target, data: 'delete' },
    ];
    for (const request of requests) {
      const id = await run(request);
      const read = await loadJob(db.sql, id);
      const stored = handed.pop();
      if (!stored || !('row' in stored)) throw new Error(`${request.command} handed over ${JSON.stringify(stored)}.`);
      const attempts = stored.issued.map(({ attempt }) => attempt);
      expect(loadedJob(stored.row, stored.tasks, attempts)).toStrictEqual(read);
      expect(read?.attempts.filter(({ dispatch }) => dispatch === 'SENT')).toHaveLength(first === firstOf ? 1 : 0);
      // In this order keys go into envelopes, whose hash must not depend on who made them.
      expect(JSON.stringify(stored.row.snapshot)).toBe(JSON.stringify(read?.row.snapshot));
      await db.sql.query(`update job set state = 'SUCCESSFUL' where id = $1`, [id]);
      carriedOut(stored.row);
    }
  });

  test('of a job that is queued behind another only its place is handed over, with the one before it', async () => {
    const first = await run(add);
    carriedOut((await loadJob(db.sql, first))!.row);
    const second = await run({ command: 'restart', target: {} });
    const third = await run({ command: 'restart', target: {} });
    expect(handed).toMatchObject([
      { row: { id: first, position: 1 } },
      { id: second, position: 2, ahead: first },
      { id: third, position: 3, ahead: second },
    ]);
  });

  test('a first task of a job that has to wait is stored as one that waits', async () => {
    issuable = firstOf;
    const first = await run(add);
    carriedOut((await loadJob(db.sql, first))!.row);
    const second = await run({ command: 'restart', target: {} });
    expect(handed[1]).toEqual({ id: second, position: 2, ahead: first });
    const { row, tasks, attempts } = (await loadJob(db.sql, second))!;
    expect([row.state, row.startedAt, row.counts.RUNNING]).toEqual(['PENDING', null, 0]);
    expect(new Set([...tasks, ...attempts].map(({ state: now }) => now))).toEqual(new Set(['PENDING']));
    expect(attempts.every(({ dispatch, envelopeHash, issuedAt }) => !(dispatch ?? envelopeHash ?? issuedAt))).toBe(
      true,
    );
    const { rows } = await db.sql.query<{ count: string }>('select count(*) from attempt where job_id = $1', [second]);
    expect(Number(rows[0]?.count)).toBe(tasks.length);
  });

  test('when the answer of the database is lost, the engine looks for the job in the queue', async () => {
    const whole: Statements = writer;
    const losing: Statements = {
      execute: async (...statement) => {
        await whole.execute(...statement);
        throw new Error('The connection broke.');
      },
    };
    await expect(run(add, losing)).rejects.toThrow('The connection broke.');
    expect([handed, (await waitingJobs(db.sql)).length, forgone.length]).toEqual([[undefined], 1, 1]);
  });

  test('an upgrade that stopped half way is read as it was stored: versions, values laid aside, and who runs what', async () => {
    state = withNext(state);
    await db.sql.query(
      `insert into host (id, name, address, bind, root, local, cluster_id, session_no, connected, joined_at)
       select id, name, '127.0.0.1', '0.0.0.0', '/srv', false, $1, 0, false, now()
       from json_to_recordset($2) as r(id uuid, name text)`,
      [state.id, JSON.stringify(state.hosts)],
    );
    const addOld = { ...add, services: add.services.map((service) => ({ ...service, version: '1.0.0' })) };
    carriedOut((await loadJob(db.sql, await run(addOld)))!.row);
    const [before] = state.services;
    await db.sql.query(`update job set state = 'SUCCESSFUL'`);
    await db.sql.query(`update host_component set stack_digest = $1`, [before!.stack.digest]);
    const job = await run({ command: 'upgrade', service: 'demo', version: '2.0.0' });
    await db.sql.query(`update host_component set stack_digest = $1 where component = 'head'`, [NEXT_DIGEST]);

    const read = await loadClusterState(state.id, { sql: db.sql, stacks, reachable: () => true });
    expect(read.services).toMatchObject([
      {
        stack: { version: '2.0.0', digest: NEXT_DIGEST },
        manifest: { version: '2' },
        otherVersions: [{ stack: before!.stack, manifest: { version: '1' } }],
        values: { 'demo.properties': { threads: 3, dataDir: '/x' } },
        laidAside: { values: { 'demo.properties': { memory: 1_000_000 } } },
        configVersion: 2,
      },
    ]);
    expect(read.services[0]?.values['demo.properties']).not.toHaveProperty('memory');
    expect(read.services[0]?.hostComponents.map((each) => [each.component, each.stackDigest]).toSorted()).toEqual([
      ['head', NEXT_DIGEST],
      ['worker', before!.stack.digest],
      ['worker', before!.stack.digest],
      ['worker', before!.stack.digest],
    ]);
    const { next } = await statesOf((await loadJob(db.sql, job))!.row.snapshot, stacks);
    expect(next.services).toMatchObject([
      { manifest: { version: '2' }, laidAside: { values: { 'demo.properties': { memory: 1_000_000 } } } },
    ]);

    await db.sql.query(`update job set state = 'SUCCESSFUL'`);
    state = { ...state, services: read.services.map((service) => started(state, service, service.manifest)) };
    await run({ command: 'upgrade', service: 'demo', version: '1.0.0' });
    const back = await loadClusterState(state.id, { sql: db.sql, stacks, reachable: () => true });
    expect(back.services[0]?.values).toEqual(before!.values);
  });
});

type Service = ClusterState['services'][number];

/** A service as it is once its job has run. */
function started(
  { stacks: [stack] }: ClusterState,
  service: Omit<Service, 'manifest'>,
  manifest: Service['manifest'] = stack!.services[0]!,
): Service {
  return {
    ...service,
    manifest,
    hostComponents: service.hostComponents.map((each) => ({
      ...each,
      desired: 'RUNNING',
      observed: 'RUNNING',
      configVersion: service.configVersion,
    })),
  };
}
