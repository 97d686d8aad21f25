import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestPostgres, type TestPostgres, testPostgresKinds } from '../postgres/testing.ts';
import { requestCancel } from './requests.ts';
import { loadJob } from './rows.ts';
import { outbox } from './testing/outbox.ts';
import { EngineWorld, until } from './testing/world.ts';

describe.each(testPostgresKinds())('the engine on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let world: EngineWorld;
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
  });
  afterAll(() => postgres?.stop());
  beforeEach(async () => {
    world = await EngineWorld.open(await postgres.createDatabase());
    await world.serve();
  });
  afterEach(() => world.clean());

  test('runs a small graph to its end, each task after those it waits for', async () => {
    const [a, b] = [await world.agent('a'), await world.agent('b')];
    const order: string[] = [];
    a.script = ({ phase }) => (order.push(`a ${phase}`), {});
    b.script = ({ phase }) => (order.push(`b ${phase}`), {});
    const jobId = await world.job(await world.cluster('c'), [
      { host: a, phase: 'install' },
      { host: b, phase: 'install' },
      { host: a, phase: 'start', after: [0, 1] },
      { host: b, phase: 'check', after: [2] },
    ]);
    expect(await world.ended(jobId)).toBe('SUCCESSFUL');
    expect(order.slice(0, 2).toSorted()).toEqual(['a install', 'b install']);
    expect(order.slice(2)).toEqual(['a start', 'b check']);
    expect(await world.tasks(jobId)).toEqual(Array(4).fill('SUCCESSFUL 1'));
    await until(() => a.held.size + b.held.size === 0);
  });

  test('a server that is killed in the middle of a job finishes it after its restart, each attempt started once', async () => {
    const agents = [await world.agent('a'), await world.agent('b')];
    for (const agent of agents) agent.script = () => 'hold';
    const [a, b] = agents;
    const jobId = await world.job(await world.cluster('c'), [
      { host: a! },
      { host: b!, after: [0] },
      { host: a!, after: [1] },
    ]);
    for (const round of [0, 1, 2]) {
      const agent = agents[round % 2]!;
      await until(() => agent.held.size === 1);
      await world.restart();
      const [id] = agent.held.keys();
      // Ends while nobody listens.
      agent.cut();
      agent.finish(id!);
      await Promise.all(agents.map((each) => (each.cut(), each.connect(world.address))));
    }
    expect(await world.ended(jobId)).toBe('SUCCESSFUL');
    for (const agent of agents) expect([...agent.starts.values()].every((count) => count === 1)).toBe(true);
    expect(a!.starts.size + b!.starts.size).toBe(3);
  });

  test('an attempt that was committed but never sent is sent by the next server', async () => {
    const a = await world.agent('a', { connect: false });
    const clusterId = await world.cluster('c');
    const jobId = await world.job(clusterId, [{ host: a }]);
    await a.connect(world.address);
    expect(await world.ended(jobId)).toBe('SUCCESSFUL');
    a.cut();
    // As a crash between the commit and the first byte leaves it.
    const second = await world.job(clusterId, [{ host: a }]);
    await world.db.sql.query(`update job set state = 'RUNNING' where id = $1`, [second]);
    await world.db.sql.query(`update task set state = 'RUNNING' where job_id = $1`, [second]);
    world.engine?.abandon();
    const { rows } = await world.db.sql.query('select id from task where job_id = $1', [second]);
    const hash = await world.hashOf(second, rows[0].id);
    await world.db.sql.query(
      `update attempt set state = 'RUNNING', dispatch = 'SENT', envelope_hash = $2, journal_id = $3, epoch = 1, session_no = 1 where job_id = $1`,
      [second, hash, a.journalId],
    );
    await world.serve();
    await a.connect(world.address);
    expect(await world.ended(second)).toBe('SUCCESSFUL');
    expect([...a.starts.values()]).toEqual([1, 1]);
  });

  test('a newer stream of an agent supersedes the older, whose words no longer count', async () => {
    const a = await world.agent('a');
    a.script = () => 'hold';
    const jobId = await world.job(await world.cluster('c'), [{ host: a }]);
    await until(() => a.held.size === 1);
    const ghost = world.twin(a);
    ghost.held.set(...[...a.held.entries()][0]!);
    await ghost.connect(world.address);
    await until(() => a.closedBecause?.includes('newer stream') ?? false);
    expect(ghost.welcome!.sessionNo).toBe(2);
    ghost.finish([...ghost.held.keys()][0]!);
    expect(await world.ended(jobId)).toBe('SUCCESSFUL');
  });

  test('an agent that was silent for too long loses its attempt; what it reports later is kept beside it', async () => {
    await world.restart();
    const a = await world.agent('a');
    a.script = () => 'hold';
    await world.serve({ leaseMs: 200, lostAfterMs: 400 });
    await a.connect(world.address);
    const jobId = await world.job(await world.cluster('c'), [
      { host: a, idempotent: false },
      { host: a, after: [0] },
    ]);
    await until(() => a.held.size === 1);
    a.cut();
    expect(await world.ended(jobId)).toBe('FAILED');
    expect(await world.tasks(jobId)).toEqual(['FAILED LOST 1', 'CANCELED DEPENDENCY_FAILED 1']);
    const [id] = a.held.keys();
    a.finish(id!);
    await a.connect(world.address);
    await until(() => a.held.size === 0);
    const [attempt] = await world.attempts(jobId);
    expect(attempt).toMatchObject({ state: 'FAILED', reason: 'LOST', late: { exitCode: 0 } });
  });

  test('results that were acknowledged after a backup come back when it is restored, and nothing is run again', async () => {
    const a = await world.agent('a');
    a.script = () => 'hold';
    // The one was issued when the backup was made, the other waited for it.
    const jobId = await world.job(await world.cluster('c'), [
      { host: a, idempotent: false },
      { host: a, idempotent: false, after: [0] },
    ]);
    await until(() => a.held.size === 1);
    const restore = await world.backup();
    const ids: string[] = [];
    for (const _ of [0, 1]) {
      await until(() => a.held.size === 1 && !ids.includes([...a.held.keys()][0]!));
      ids.push([...a.held.keys()][0]!);
      a.finish(ids.at(-1)!);
    }
    expect(await world.ended(jobId)).toBe('SUCCESSFUL');
    await until(() => a.held.size === 0);
    a.cut();
    await restore();
    expect(await world.tasks(jobId)).toEqual(['RUNNING 1', 'PENDING 1']);
    await a.connect(world.address);
    expect(await world.ended(jobId)).toBe('SUCCESSFUL');
    expect(await world.tasks(jobId)).toEqual(['SUCCESSFUL 1', 'SUCCESSFUL 1']);
    await until(() => a.held.size === 0);
    expect(ids.map((id) => a.starts.get(id))).toEqual([1, 1]);
  });

  test('what runs when a backup is restored in which it still waits is taken over, and can be canceled', async () => {
    const a = await world.agent('a');
    a.script = () => 'hold';
    const jobId = await world.job(await world.cluster('c'), [
      { host: a, idempotent: false },
      { host: a, idempotent: false, after: [0] },
    ]);
    await until(() => a.held.size === 1);
    const restore = await world.backup();
    a.finish([...a.held.keys()][0]!);
    await until(() => a.held.size === 1 && a.settled.size === 1);
    a.cut();
    // What the second waited for is lost for good: it would be withdrawn, and run on.
    a.settled.clear();
    await restore();
    await a.connect(world.address);
    await until(async () => (await world.tasks(jobId)).join() === 'FAILED LOST 1,RUNNING 1');
    await requestCancel(world.engine!.events, jobId);
    await world.engine!.cancel(jobId);
    expect(await world.ended(jobId)).toBe('FAILED');
    expect(await world.tasks(jobId)).toEqual(['FAILED LOST 1', 'CANCELED USER_CANCEL 1']);
    expect([...a.starts.values()]).toEqual([1, 1]);
  });

  test('an idempotent task whose agent lost its journal gets one more attempt by itself', async () => {
    const a = await world.agent('a');
    a.script = () => 'hold';
    const jobId = await world.job(await world.cluster('c'), [{ host: a }]);
    for (const _ of [1, 2]) {
      await until(() => a.held.size === 1);
      a.cut();
      a.held.clear();
      a.journalId = crypto.randomUUID();
      await a.connect(world.address);
    }
    expect(await world.ended(jobId)).toBe('FAILED');
    expect(await world.tasks(jobId)).toEqual(['FAILED AGENT_STATE_LOST 2']);
  });

  test('a failure cancels what waits for it, the rest ends; retry runs only what had not succeeded', async () => {
    const a = await world.agent('a');
    let broken = true;
    const phases: string[] = [];
    a.script = ({ phase }) => {
      phases.push(phase);
      return broken && phase === 'start' ? { reason: 'EXIT_NONZERO', exitCode: 1, message: 'port taken' } : {};
    };
    const jobId = await world.job(await world.cluster('c'), [
      { host: a, phase: 'install' },
      { host: a, phase: 'start', after: [0] },
      { host: a, phase: 'check', after: [1] },
      { host: a, phase: 'configure', after: [0] },
    ]);
    expect(await world.ended(jobId)).toBe('FAILED');
    expect(await world.tasks(jobId)).toEqual([
      'SUCCESSFUL 1',
      'FAILED EXIT_NONZERO 1',
      'CANCELED DEPENDENCY_FAILED 1',
      'SUCCESSFUL 1',
    ]);
    expect((await world.jobRow(jobId)).reason).toBe('EXIT_NONZERO');
    broken = false;
    phases.length = 0;
    await world.engine!.retry(jobId);
    expect(await world.ended(jobId)).toBe('SUCCESSFUL');
    expect(phases).toEqual(['start', 'check']);
    expect(await world.tasks(jobId)).toEqual(['SUCCESSFUL 1', 'SUCCESSFUL 2', 'SUCCESSFUL 2', 'SUCCESSFUL 1']);
    await expect(world.engine!.retry(jobId)).rejects.toThrow(/Only a job that FAILED/);
  });

  test('cancel ends what runs by its agent and never starts the rest; the job ends when nothing runs', async () => {
    const a = await world.agent('a');
    a.script = () => 'hold';
    const clusterId = await world.cluster('c');
    const jobId = await world.job(clusterId, [{ host: a }, { host: a, after: [0] }]);
    const queued = await world.job(clusterId, [{ host: a }]);
    await until(() => a.held.size === 1);
    await world.engine!.cancel(queued);
    expect(await world.ended(queued)).toBe('CANCELED');
    await world.engine!.cancel(jobId);
    expect(await world.ended(jobId)).toBe('CANCELED');
    expect(await world.tasks(jobId)).toEqual(['CANCELED USER_CANCEL 1', 'CANCELED USER_CANCEL 1']);
    await world.engine!.cancel(jobId);
    expect(a.starts.size).toBe(1);
  });

  test('a job and a cancel that were committed without an answer are found, although nobody tells of them', async () => {
    await world.restart({ queuesReadMs: 100 });
    const a = await world.agent('a');
    a.script = () => 'hold';
    const jobId = await world.stored(await world.cluster('c'), [{ host: a }]);
    await until(() => a.held.size === 1);
    await requestCancel(world.engine!.events, jobId);
    expect(await world.ended(jobId)).toBe('CANCELED');
    expect(await world.tasks(jobId)).toEqual(['CANCELED USER_CANCEL 1']);
  });

  test('a script that something on the host killed has failed; nobody canceled it', async () => {
    const a = await world.agent('a');
    a.script = () => ({ reason: 'KILLED', signal: 'SIGKILL', message: 'The script was killed.' });
    const jobId = await world.job(await world.cluster('c'), [{ host: a }]);
    expect(await world.ended(jobId)).toBe('FAILED');
    expect(await world.tasks(jobId)).toEqual(['FAILED KILLED 1']);
  });

  test('a cancel while the agent is away reaches it when it comes back', async () => {
    const a = await world.agent('a');
    a.script = () => 'hold';
    const jobId = await world.job(await world.cluster('c'), [{ host: a }]);
    await until(() => a.held.size === 1);
    a.cut();
    await world.engine!.cancel(jobId);
    expect((await world.jobRow(jobId)).state).toBe('RUNNING');
    await world.restart();
    await a.connect(world.address);
    expect(await world.ended(jobId)).toBe('CANCELED');
  });

  test('jobs of one cluster run one after the other, clusters beside each other', async () => {
    const [a, b] = [await world.agent('a'), await world.agent('b')];
    a.script = b.script = () => 'hold';
    const [one, two] = [await world.cluster('one'), await world.cluster('two')];
    const first = await world.job(one, [{ host: a }]);
    const second = await world.job(one, [{ host: a }]);
    const other = await world.job(two, [{ host: b }]);
    await until(() => a.held.size === 1 && b.held.size === 1);
    expect((await world.jobRow(second)).state).toBe('PENDING');
    expect((await world.jobRow(other)).state).toBe('RUNNING');
    a.finish([...a.held.keys()][0]!);
    expect(await world.ended(first)).toBe('SUCCESSFUL');
    await until(() => a.starts.size === 2);
    expect((await world.jobRow(second)).state).toBe('RUNNING');
  });

  test('jobs that are handed over in another order than they were stored run in the order of their positions', async () => {
    const a = await world.agent('a');
    const cluster = await world.cluster('c');
    const wake = world.engine!.wake.bind(world.engine);
    const order: string[] = [];
    a.script = ({ jobId }) => (order.push(jobId), {});
    const [first, second, third] = [
      await world.stored(cluster, [{ host: a }, { host: a }]),
      await world.stored(cluster, [{ host: a }]),
      await world.stored(cluster, [{ host: a }]),
    ];
    const { row, tasks } = (await loadJob(world.db.sql, first))!;
    wake(cluster, { id: third, position: 3, ahead: second });
    wake(cluster, { row, tasks, issued: [] });
    wake(cluster, { id: second, position: 2, ahead: first });
    expect(await world.ended(third)).toBe('SUCCESSFUL');
    expect(order).toEqual([first, first, second, third]);
  });

  test('a job whose storing was never answered runs before the next that is handed over', async () => {
    const a = await world.agent('a');
    const cluster = await world.cluster('c');
    const lost = await world.stored(cluster, [{ host: a }]);
    const next = await world.stored(cluster, [{ host: a }]);
    world.engine!.wake(cluster, { id: next, position: 2, ahead: lost });
    expect([await world.ended(next), (await world.jobRow(lost)).state]).toEqual(['SUCCESSFUL', 'SUCCESSFUL']);
  });

  test.each(['the server that stored it', 'the next one, if that one is killed first'])(
    'a job that is stored with its first task as issued is carried out by %s, each attempt started once',
    async (by) => {
      const a = await world.agent('a');
      const cluster = await world.cluster('c');
      const id = await world.stored(cluster, [{ host: a }, { host: a, after: [0] }]);
      const before = (await loadJob(world.db.sql, id))!;
      const issued = await world.engine!.issuable(before.row, before.tasks);
      expect(issued.map(({ attempt }) => attempt.taskId)).toEqual([before.tasks[0]!.id]);
      // As the statement of a command stores it.
      const { attempt } = issued[0]!;
      const { sql } = world.db;
      await sql.query(
        `update attempt set state = 'RUNNING', dispatch = 'SENT', envelope_hash = $2, epoch = $3, session_no = $4,
         journal_id = $5, issued_at = $6 where id = $1`,
        [attempt.id, attempt.envelopeHash, attempt.epoch, attempt.sessionNo, attempt.journalId, attempt.issuedAt],
      );
      await sql.query(`update task set state = 'RUNNING', started_at = $2 where id = $1`, [
        attempt.taskId,
        attempt.issuedAt,
      ]);
      await sql.query(`update job set state = 'RUNNING', started_at = $2 where id = $1`, [id, attempt.issuedAt]);
      if (by === 'the server that stored it') {
        const { row, tasks } = (await loadJob(sql, id))!;
        world.engine!.wake(cluster, { row, tasks, issued });
      } else {
        await world.restart();
        a.cut();
        await a.connect(world.address);
      }
      expect(await world.ended(id)).toBe('SUCCESSFUL');
      expect([...a.starts]).toEqual(before.attempts.map((each) => [each.id, 1]));
    },
  );

  test('rows of host components follow results and what agents see', async () => {
    const a = await world.agent('a');
    const clusterId = await world.cluster('c');
    const { id, serviceId } = await world.component(clusterId, a);
    a.script = ({ phase }) => (phase === 'configure' ? { applied: { 'conf/zoo.cfg': 'sha256-x' } } : {});
    const services = [{ id: serviceId, name: 'zookeeper', configVersion: 3, hostComponents: [{ id }] }] as never;
    const add = ['install', 'configure', 'init', 'start', 'prepare'].map((phase) => ({
      host: a,
      phase: phase as 'init',
      hostComponentId: id,
    }));
    expect(await world.ended(await world.job(clusterId, add, { services }))).toBe('SUCCESSFUL');
    a.say({
      componentStatuses: {
        components: [{ hostComponentId: id, observed: 'RUNNING', role: 'leader', restarts: 1, pid: 42 }],
      },
    });
    const read = async () => (await world.db.sql.query('select * from host_component where id = $1', [id])).rows[0];
    await until(async () => (await read()).observed === 'RUNNING');
    expect(await read()).toMatchObject({
      desired: 'RUNNING',
      applied: { 'conf/zoo.cfg': 'sha256-x' },
      applied_values: { 'zoo.cfg': { port: 2181 } },
      config_version: 3,
      role: 'leader',
      restarts: 1,
      pid: 42,
    });
    expect(new Set((await read()).once)).toEqual(new Set(['init', 'prepare']));
    const remove = await world.job(clusterId, [{ host: a, phase: 'remove', hostComponentId: id }], {
      leaving: services,
    });
    expect(await world.ended(remove)).toBe('SUCCESSFUL');
    expect(await read()).toBeUndefined();
    expect((await world.db.sql.query('select 1 from service where id = $1', [serviceId])).rowCount).toBe(0);
  });

  test('events are numbered in the order of their commits, and end with the end of the job', async () => {
    const a = await world.agent('a');
    const seen: number[] = [];
    world.engine!.events.subscribe((newest) => seen.push(newest));
    const jobId = await world.job(await world.cluster('c'), [{ host: a }, { host: a, after: [0] }]);
    await world.ended(jobId);
    expect(seen).toEqual(seen.toSorted((x, y) => x - y));
    const { rows } = await world.db.sql.query(
      `select id, payload from ${outbox} where topic in ('job', 'task') order by id`,
    );
    expect(rows.at(-1).payload).toMatchObject({ kind: 'job', jobId, state: 'SUCCESSFUL' });
    expect(rows.map(({ id }) => id)).toEqual(rows.map((_, index) => rows[0].id + index));
  });

  test('a host is shown as gone when its lease is over, and again when it is back', async () => {
    await world.restart();
    await world.serve({ leaseMs: 300 });
    const a = await world.agent('a');
    expect(world.engine!.reachable(a.id)).toBe(true);
    a.cut();
    await until(() => !world.engine!.reachable(a.id));
    const changes = async () =>
      (
        await world.db.sql.query(`select payload->>'change' as change from ${outbox} where topic = 'host' order by id`)
      ).rows.map(({ change }) => change);
    await until(async () => (await changes()).at(-1) === 'disconnected');
    await a.connect(world.address);
    await until(async () => (await changes()).at(-1) === 'connected');
    await a.leave();
    await until(() => !world.engine!.reachable(a.id));
  });

  test('an older server is fenced by a newer one and commits nothing more', async () => {
    const old = world.engine!;
    await world.serve();
    await expect(
      old.events.append('job', undefined, { kind: 'host', hostId: 'x', name: 'x', change: 'joined' }),
    ).rejects.toThrow(/Another server/);
    await expect(old.events.run(() => Promise.resolve(1))).rejects.toThrow(/Another server/);
  });
});
