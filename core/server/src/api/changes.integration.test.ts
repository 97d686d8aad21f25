import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, testPostgresKinds, type TestPostgres } from '../postgres/testing.ts';
import { ServerWorld } from './testing/world.ts';

describe.each(testPostgresKinds())('changes on %s PostgreSQL', (kind) => {
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

  describe('configs', () => {
    test('nobody overwrites what he has not read', async () => {
      const before = await tag();
      expect([(await put(threads(5), {})).status, (await put(threads(5), {})).body.code]).toEqual([
        428,
        'PRECONDITION_REQUIRED',
      ]);
      const saved = await put(threads(5), { 'if-match': before });
      expect([saved.status, saved.body.values]).toEqual([200, threads(5)]);
      const after = saved.headers.get('etag');
      expect(after).not.toBe(before);
      const stale = await put(threads(6), { 'if-match': before });
      expect([stale.status, stale.body.code, stale.body.detail]).toEqual([
        412,
        'PRECONDITION_FAILED',
        expect.stringContaining(String(after)),
      ]);
      expect((await world.get(config)).body.values).toEqual(threads(5));
    });

    test('of many at once exactly one is saved', async () => {
      const before = await tag();
      const { version } = (await world.get(config)).body;
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, index) => put(threads(10 + index), { 'if-match': before })),
      );
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, ...Array.from({ length: 7 }, () => 412)]);
      const winner = answers.find(({ status }) => status === 200);
      expect((await world.get(config)).body).toMatchObject({ version: version + 1, values: winner?.body.values });
    });

    test('a value out of range is refused with its place, and nothing is saved', async () => {
      const before = await tag();
      const answer = await put(threads(65), { 'if-match': before });
      expect([answer.status, answer.body.errors[0].pointer]).toEqual([422, '/config/demo.properties/threads']);
      expect(await tag()).toBe(before);
    });

    test('what is saved makes host components stale until it is applied', async () => {
      await put({ 'demo.properties': { threads: 33 } }, { 'if-match': await tag() });
      const stale = async () =>
        (await world.get('/clusters/c/components?stale=true')).body.items as {
          component: string;
          stale: { changed: string[] };
        }[];
      expect((await stale()).map(({ component }) => component)).toEqual(['head', 'worker', 'worker']);
      expect((await stale())[0]?.stale).toMatchObject({
        changed: [expect.stringContaining('demo.properties')],
        effect: 'restart',
      });
      expect((await world.run('c', { command: 'configure', target: { service: 'demo' } })).state).toBe('SUCCESSFUL');
      expect(await stale()).toEqual([]);
    });
  });

  describe('Idempotency-Key', () => {
    test('a repetition is answered as the first, also by a server that has started since', async () => {
      const headers = { 'idempotency-key': randomUUID() };
      const count = await jobs();
      const first = await world.post('/clusters/c/commands', { command: 'check', target: {} }, { headers });
      expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([202, null]);
      await world.get(`/jobs/${first.body.id}?wait=30s`);
      await world.restart();
      const again = await world.post('/clusters/c/commands', { command: 'check', target: {} }, { headers });
      expect([
        again.status,
        again.body,
        again.headers.get('location'),
        again.headers.get('idempotency-replayed'),
      ]).toEqual([202, first.body, first.headers.get('location'), 'true']);
      expect(await jobs()).toBe(count + 1);
    });

    test('another request under the same key is refused', async () => {
      const headers = { 'idempotency-key': randomUUID() };
      await world.post('/clusters', { name: 'one' }, { headers });
      for (const answer of [
        await world.post('/clusters', { name: 'two' }, { headers }),
        await world.post('/clusters/c/hosts', { hosts: ['h1'] }, { headers }),
      ]) {
        expect([answer.status, answer.body.code]).toEqual([422, 'IDEMPOTENCY_MISMATCH']);
      }
      expect((await world.get('/clusters/two')).status).toBe(404);
    });

    test('of many at once one runs; the others are told so or get its answer', async () => {
      const headers = { 'idempotency-key': randomUUID() };
      const count = await jobs();
      const answers = await Promise.all(
        Array.from({ length: 10 }, () =>
          world.post('/clusters/c/commands', { command: 'check', target: {} }, { headers }),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toSatisfy((seen: Set<number>) =>
        [...seen].every((status) => [202, 409].includes(status)),
      );
      expect(new Set(answers.filter(({ status }) => status === 202).map(({ body }) => body.id)).size).toBe(1);
      expect(
        answers.filter(({ status }) => status === 409).every(({ body }) => body.code === 'IDEMPOTENCY_IN_PROGRESS'),
      ).toBe(true);
      expect(await jobs()).toBe(count + 1);
    });

    test('what was refused can be sent again when the reason is gone', async () => {
      const headers = { 'idempotency-key': randomUUID() };
      expect((await world.post('/clusters/late/commands', { command: 'check', target: {} }, { headers })).status).toBe(
        404,
      );
      await world.cluster('late');
      expect(
        (await world.post('/clusters/late/commands', { command: 'check', target: {} }, { headers })).status,
      ).not.toBe(404);
    });

    test('a claim that a dead server left is free after a minute, and old keys are swept', async () => {
      const headers = { 'idempotency-key': randomUUID() };
      const [{ id: principal } = { id: '' }] = await world.sql<{ id: string }>(
        `select id from api_token where name = 'admin'`,
      );
      const claim = (key: string, age: string) =>
        world.sql(
          `insert into idempotency_key (principal, key, request_hash, created_at) values ($1, $2, 'x', now() - $3::interval)`,
          [principal, key, age],
        );
      await claim(headers['idempotency-key'], '61 seconds');
      await claim('yesterday', '25 hours');
      expect((await world.post('/clusters', { name: 'after-death' }, { headers })).status).toBe(201);
      expect(await world.sql(`select 1 from idempotency_key where key = 'yesterday'`)).toEqual([]);
    });

    test.each(['ä', ' ', 'x'.repeat(201)])('%j is no key', async (key) => {
      const answer = await world.post(
        '/clusters',
        { name: 'keyed' },
        { headers: { 'idempotency-key': Buffer.from(key).toString('latin1') } },
      );
      expect(answer.status).toBe(400);
    });
  });

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
      const before = await revision();
      const counts = () =>
        world.sql(
          'select (select count(*) from job)::int as jobs, (select count(*) from task)::int as tasks, (select count(*) from config_version)::int as versions, (select count(*) from event)::int as events',
        );
      const rows = await counts();
      // Any insert of a task fails now, late in the transaction.
      await world.sql(
        `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$`,
      );
      await world.sql('create trigger refuse before insert on task execute function refuse()');
      try {
        expect((await world.post('/clusters/c/commands', configure)).status).toBe(500);
      } finally {
        await world.sql('drop trigger refuse on task');
      }
      expect([await revision(), await counts()]).toEqual([before, rows]);
      expect((await world.run('c', configure)).state).toBe('SUCCESSFUL');
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

  describe('clusters and hosts', () => {
    test('a cluster with services stays; an empty one leaves and frees its hosts', async () => {
      const refused = await world.send('DELETE', '/clusters/c');
      expect([refused.status, refused.body.code, refused.body.detail]).toEqual([
        409,
        'CLUSTER_NOT_EMPTY',
        'The cluster c still has demo. Remove it first.',
      ]);
      await world.cluster('short', ['h3']);
      expect((await world.get('/hosts/h3')).body.clusterId).not.toBeNull();
      expect((await world.send('DELETE', '/clusters/short')).status).toBe(204);
      expect((await world.get('/hosts/h3')).body.clusterId).toBeNull();
      expect((await world.send('DELETE', '/clusters/short')).status).toBe(404);
    });

    test('a cluster with an unfinished job stays until it has ended', async () => {
      await world.cluster('busy', ['h3']);
      const agent = world.agent('h3');
      const script = agent.script;
      agent.script = () => 'hold';
      const { body: job } = await world.post('/clusters/busy/commands', {
        command: 'add',
        services: [{ service: 'demo', components: { worker: ['h3'], head: [] } }],
      });
      // The service is what is named first; without it, it is the job.
      for (const table of ['service', 'host_component'])
        await world.sql(`delete from ${table} where cluster_id = $1`, [job.clusterId]);
      const refused = await world.send('DELETE', '/clusters/busy');
      expect([refused.status, refused.body.code]).toEqual([409, 'CLUSTER_BUSY']);
      await world.post(`/jobs/${job.id}/cancel`);
      expect((await world.get(`/jobs/${job.id}?wait=30s`)).body.state).toBe('CANCELED');
      agent.script = script;
      expect((await world.send('DELETE', '/clusters/busy')).status).toBe(204);
      const retry = await world.post(`/jobs/${job.id}/retry`);
      expect([retry.status, retry.body.code]).toEqual([409, 'RETRY_REFUSED']);
    });

    test('a host is in one cluster, and which one is said', async () => {
      await world.cluster('d');
      for (const answer of [
        await world.post('/clusters', { name: 'e', hosts: ['h3', 'h1'] }),
        await world.post('/clusters/d/hosts', { hosts: ['h3', 'h1'] }),
      ]) {
        expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
          409,
          'HOST_IN_USE',
          expect.stringContaining('h1 is in the cluster c'),
        ]);
      }
      expect((await world.get('/hosts/h3')).body.clusterId).toBeNull();
      expect((await world.get('/clusters/e')).status).toBe(404);
      const unknown = await world.post('/clusters/d/hosts', { hosts: ['h3', 'nope'] });
      expect([unknown.status, unknown.body.detail]).toEqual([404, 'There is no host nope.']);
      const placed = await world.post('/clusters/d/plans', {
        command: 'add',
        services: [{ service: 'demo', components: { worker: ['h1'] } }],
      });
      expect([placed.status, placed.body.code]).toEqual([422, 'PLAN_REFUSED']);
    });

    test('hosts that are in it already change nothing, so that plans stay good', async () => {
      const before = await revision();
      expect((await world.post('/clusters/c/hosts', { hosts: ['h1', 'h2'] })).body.revision).toBe(before);
      expect((await world.post('/clusters/c/hosts', { hosts: ['h3'] })).body.revision).toBe(before + 1);
      expect((await world.send('DELETE', '/clusters/c/hosts/h3')).body.revision).toBe(before + 2);
      expect((await world.send('DELETE', '/clusters/c/hosts/h3')).body).toMatchObject({
        status: 409,
        code: 'HOST_IN_USE',
      });
    });

    test('a host with components is neither taken out nor forgotten', async () => {
      for (const path of ['/clusters/c/hosts/h2', '/hosts/h2']) {
        const answer = await world.send('DELETE', path);
        expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
          409,
          'HOST_IN_USE',
          expect.stringContaining('worker'),
        ]);
      }
      expect((await world.send('DELETE', '/hosts/h3')).status).toBe(204);
      expect((await world.get('/hosts/h3')).status).toBe(404);
      world.agent('h3').cut();
      world.agents.delete('h3');
    });

    test('of many clusters of one name at once, one is made', async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => world.post('/clusters', { name: 'twin' })));
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409, 409, 409]);
    });
  });
});
