import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, testPostgresKinds, type TestPostgres } from '../postgres/testing.ts';
import { ServerWorld } from './testing/world.ts';

describe.each(testPostgresKinds())('plans on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let world: ServerWorld;
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
    world = await ServerWorld.start(await postgres.createDatabase(), { stacks: [{ name: 'demo' }] });
    await world.join('h1', 'h2', 'h3');
    await world.cluster('c', ['h1', 'h2'], { demo: true });
  });
  afterAll(async () => {
    await world?.close();
    await postgres?.stop();
  });

  const config = '/clusters/c/services/demo/config';
  const tag = async () => (await world.get(config)).headers.get('etag') ?? '';
  const put = (values: object, headers: Record<string, string>) =>
    world.send('PUT', config, { body: { values }, headers });
  const revision = async () => (await world.get('/clusters/c')).body.revision as number;
  const jobs = async () => (await world.get('/jobs?limit=500')).body.items.length as number;
  const threads = (count: number) => ({ 'demo.properties': { threads: count } });

  describe('plans', () => {
    const configure = { command: 'configure', target: { service: 'demo' }, config: threads(20) };
    const execute = (id: string, body: object = {}) => world.post(`/plans/${id}/execute`, body);

    test('a plan shows tasks, diffs, restarts and hosts, and does nothing', async () => {
      const [before, count] = [await revision(), await jobs()];
      const { status, body, headers } = await world.post('/clusters/c/plans', configure);
      expect([status, headers.get('location'), body.basis, body.jobId]).toEqual([
        201,
        `/api/v1/plans/${body.id}`,
        before,
        null,
      ]);
      expect(body.plan.files).toHaveLength(3);
      expect(body.plan.files[0].diff).toContain('+threads=20');
      expect(body.plan.restarts).toHaveLength(3);
      expect(body.plan.hosts.toSorted()).toEqual(['h1', 'h2']);
      expect(body.plan.tasks.length).toBeGreaterThan(3);
      expect((await world.get(`/plans/${body.id}`)).body).toEqual(body);
      expect([await revision(), await jobs()]).toEqual([before, count]);
    });

    test('services are recommended with hosts and reasons, and nothing changes', async () => {
      const before = await revision();
      const { status, body } = await world.post('/clusters/c/recommendations', {
        services: [{ service: 'demo', components: { head: ['h2'] } }],
      });
      expect(status).toBe(200);
      expect(body.problems).toMatchObject([{ code: 'CARDINALITY' }]);
      const { body: free } = await world.post('/clusters', { name: 'free' });
      const placed = await world.post(`/clusters/${free.id}/recommendations`, {
        services: [{ service: 'demo', components: { head: ['h3'], worker: ['h3'] } }],
      });
      expect(placed.body).toEqual({
        services: [
          {
            service: 'demo',
            version: '1',
            places: [
              { component: 'head', hosts: ['h3'], reason: 'as asked' },
              { component: 'worker', hosts: ['h3'], reason: 'as asked' },
            ],
            values: [],
          },
        ],
        problems: [],
        warnings: [],
      });
      expect(await revision()).toBe(before);
    });

    test('a removal shows what goes with it', async () => {
      const { body } = await world.post('/clusters/c/plans', {
        command: 'remove',
        target: { service: 'demo', hosts: ['h2'] },
        data: 'delete',
      });
      expect(body.plan.removed).toEqual([
        {
          host: 'h2',
          service: 'demo',
          component: 'worker',
          ordinal: 2,
          data: 'delete',
          directories: [expect.stringMatching(/\/var\/lib\/demo$/)],
        },
      ]);
    });

    test('a plan runs once, and the second try names the job of the first', async () => {
      const { id } = (await world.post('/clusters/c/plans', configure)).body;
      const first = await execute(id, { note: 'as agreed' });
      expect([first.status, first.headers.get('location')]).toEqual([202, `/api/v1/jobs/${first.body.id}`]);
      expect((await world.get(`/jobs/${first.body.id}?wait=30s`)).body.state).toBe('SUCCESSFUL');
      const second = await execute(id);
      expect([second.status, second.body.code, second.body.detail]).toEqual([
        409,
        'PLAN_EXECUTED',
        expect.stringContaining(first.body.id),
      ]);
      expect((await world.get(`/plans/${id}`)).body.jobId).toBe(first.body.id);
      expect((await world.get(`${config}/versions?limit=1`)).body.items[0]).toMatchObject({
        note: 'as agreed',
        createdBy: 'admin',
        values: threads(20),
      });
    });

    test('of many at once one makes the job; the others name it', async () => {
      const { id } = (await world.post('/clusters/c/plans', { command: 'check', target: { service: 'demo' } })).body;
      const answers = await Promise.all(Array.from({ length: 6 }, () => execute(id)));
      const made = answers.filter(({ status }) => status === 202);
      expect(made).toHaveLength(1);
      for (const { status, body } of answers.filter((answer) => answer !== made[0]))
        expect([status, body.code, body.detail]).toEqual([
          409,
          'PLAN_EXECUTED',
          expect.stringContaining(made[0]?.body.id),
        ]);
    });

    test('a plan for a cluster that has changed is not run', async () => {
      const { id, basis } = (await world.post('/clusters/c/plans', { command: 'restart', target: {} })).body;
      await put(threads(21), { 'if-match': await tag() });
      const answer = await execute(id);
      expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
        409,
        'PLAN_STALE',
        expect.stringContaining(`made at ${basis}`),
      ]);
      expect((await world.get(`/plans/${id}`)).body.jobId).toBeNull();
    });

    test('an old plan is gone, and an ancient one is forgotten', async () => {
      const [old, ancient] = [
        (await world.post('/clusters/c/plans', configure)).body.id,
        (await world.post('/clusters/c/plans', configure)).body.id,
      ];
      await world.sql(`update stored_plan set expires_at = now() - interval '1 second' where id = $1`, [old]);
      await world.sql(`update stored_plan set expires_at = now() - interval '8 days' where id = $1`, [ancient]);
      const answer = await execute(old);
      expect([answer.status, answer.body.code]).toEqual([410, 'PLAN_EXPIRED']);
      expect((await world.get(`/plans/${old}`)).status).toBe(200);
      await world.post('/clusters/c/plans', configure);
      expect((await world.get(`/plans/${ancient}`)).status).toBe(404);
    });

    test('a command is stored whole or not at all', async () => {
      const other = { ...configure, config: threads(22) };
      const before = await revision();
      const counts = () =>
        world.sql(
          'select (select count(*) from job)::int as jobs, (select count(*) from task)::int as tasks, (select count(*) from config_version)::int as versions, (select count(*) from event_run)::int as events',
        );
      const rows = await counts();
      // Any insert of a task fails now, late in the transaction.
      await world.sql(
        `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$`,
      );
      await world.sql('create trigger refuse before insert on task execute function refuse()');
      try {
        expect((await world.post('/clusters/c/commands', other)).status).toBe(500);
      } finally {
        await world.sql('drop trigger refuse on task');
      }
      expect([await revision(), await counts()]).toEqual([before, rows]);
      expect((await world.run('c', other)).state).toBe('SUCCESSFUL');
    });

    test('commands sent at once are all run, one after the other, however the end of one meets the start of the next', async () => {
      for (let round = 0; round < 15; round++) {
        const started = await Promise.all(
          Array.from({ length: 5 }, (_, index) =>
            world.post('/clusters/c/commands', { ...configure, config: threads(30 + index) }),
          ),
        );
        expect(started.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
        const ended = await Promise.all(
          started.map(async ({ body }) => (await world.get(`/jobs/${body.id}?wait=60s`)).body),
        );
        expect(ended.map(({ state }) => state)).toEqual(Array.from({ length: 5 }, () => 'SUCCESSFUL'));
      }
    });
  });
});
