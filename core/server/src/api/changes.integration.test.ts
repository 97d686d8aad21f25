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
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
        200,
        ...Array.from({ length: 7 }, () => 412),
      ]);
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

    test('the job, its answer and its entry in the audit trail are one transaction', async () => {
      const { id: plan } = (await world.post('/clusters/c/plans', { command: 'check', target: {} })).body;
      for (const [path, body] of [
        ['/clusters/c/commands', { command: 'check', target: {} }],
        [`/plans/${plan}/execute`, {}],
        ['/clusters/c/commands', { command: 'configure', target: { service: 'demo' }, config: threads(7) }],
      ] as const) {
        const headers = { 'idempotency-key': randomUUID() };
        const count = await jobs();
        const first = await world.post(path, body, { headers });
        expect(first.status).toBe(202);
        // Rows that nobody has changed since tell which transaction wrote them.
        const written = await world.sql(
          `select count(distinct by)::int as transactions, count(*)::int as rows from (
             select xmin::text as by from event_run where topic = 'job' and payloads->0->>'jobId' = $1 and payloads->0->>'state' = 'PENDING'
             union all select xmin::text from idempotency_key where key = $2 and body->>'id' = $1 and status = 202
             union all select xmin::text from audit_entry where request_id = $3 and status = 202 and cluster_id is not null) as found`,
          [first.body.id, headers['idempotency-key'], first.headers.get('x-request-id')],
        );
        expect(written).toEqual([{ transactions: 1, rows: 3 }]);
        // So a server that dies right after it still gives the answer, and makes no second job.
        const again = await world.post(path, body, { headers });
        expect([again.status, again.headers.get('idempotency-replayed'), again.body, await jobs()]).toEqual([
          202,
          'true',
          first.body,
          count + 1,
        ]);
        expect((await world.get(`/jobs/${first.body.id}?wait=30s`)).body.state).toBe('SUCCESSFUL');
      }
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

    test('a claim that a dead server left is free for the next one, and old keys are swept', async () => {
      const headers = { 'idempotency-key': randomUUID() };
      const [{ id: principal } = { id: '' }] = await world.sql<{ id: string }>(
        `select id from api_token where name = 'admin'`,
      );
      const claim = (key: string, age: string) =>
        world.sql(
          `insert into idempotency_key (principal, key, request_hash, created_at) values ($1, $2, 'x', now() - $3::interval)`,
          [principal, key, age],
        );
      await claim(headers['idempotency-key'], '0 seconds');
      await claim('yesterday', '25 hours');
      const create = async () => (await world.post('/clusters', { name: 'after-death' }, { headers })).status;
      expect(await create()).toBe(422);
      await world.restart();
      expect(await create()).toBe(201);
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
});
