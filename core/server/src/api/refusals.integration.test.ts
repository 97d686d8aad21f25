import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, testPostgresKinds, type TestPostgres } from '../postgres/testing.ts';
import { rawRequest } from './testing/rawRequest.ts';
import { ServerWorld } from './testing/world.ts';

const UNKNOWN = '00000000-0000-4000-8000-000000000000';

describe.each(testPostgresKinds())('refusals on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let world: ServerWorld;
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
    world = await ServerWorld.start(await postgres.createDatabase(), { stacks: [{ name: 'demo' }] });
    await world.join('h1', 'h2');
    await world.cluster('c', ['h1'], { demo: true });
  });
  afterAll(async () => {
    await world?.close();
    await postgres?.stop();
  });

  describe('what is asked', () => {
    test('what does not exist is a problem that names it', async () => {
      for (const path of [
        '/nothing',
        '/clusters/nope',
        `/clusters/${UNKNOWN}`,
        '/clusters/nope/services',
        '/clusters/c/services/nope',
        '/clusters/c/services/nope/config',
        '/clusters/c/services/demo/config/versions/99',
        '/hosts/nope',
        `/hosts/${UNKNOWN}`,
        `/jobs/${UNKNOWN}`,
        '/jobs/1',
        `/jobs/${UNKNOWN}/tasks`,
        `/tasks/${UNKNOWN}`,
        `/tasks/${UNKNOWN}/log`,
        `/plans/${UNKNOWN}`,
        '/plans/x',
        '/stacks/x',
        '/clusters/%00',
        '/hosts/a%00b',
        `/clusters/${'x'.repeat(100)}`,
        `/hosts/${'h'.repeat(253)}`,
        '/jobs?cluster=nope',
        '/clusters/c/exports/x',
      ]) {
        const answer = await world.get(path);
        expect([path, answer.headers.get('content-type'), answer.status]).toEqual([
          path,
          expect.stringContaining('application/problem+json'),
          path.includes('%00') ? 400 : 404,
        ]);
        expect(answer.body).toMatchObject({
          status: answer.status,
          type: `/api/v1/problems#${answer.body.code}`,
          requestId: answer.headers.get('x-request-id'),
        });
      }
      for (const [method, path] of [
        ['DELETE', '/clusters/nope'],
        ['DELETE', '/hosts/nope'],
        ['DELETE', '/clusters/c/hosts/nope'],
        ['POST', `/jobs/${UNKNOWN}/cancel`],
        ['POST', `/jobs/${UNKNOWN}/retry`],
        ['PATCH', '/clusters/c'],
        ['DELETE', '/jobs/1'],
      ] as const) {
        expect([method, path, (await world.send(method, path)).status]).toEqual([method, path, 404]);
      }
    });

    test('every code a problem had is in the catalogue, which needs no token', async () => {
      const { status, body } = await world.get('/problems', { token: null });
      expect(status).toBe(200);
      expect(body.items).toContainEqual({
        code: 'PLAN_STALE',
        status: 409,
        title: 'The cluster changed since the plan was made',
      });
    });

    const post = (raw: string, type = 'application/json') =>
      world.send('POST', '/clusters', { raw, headers: { 'content-type': type } });

    test.each(
      (
        [
          ['{"name": "x"', 'MALFORMED_BODY', 400],
          ['', 'MALFORMED_BODY', 400],
          ['null', 'VALIDATION_FAILED', 400],
          ['[]', 'VALIDATION_FAILED', 400],
          ['"text"', 'VALIDATION_FAILED', 400],
          ['{"name": false}', 'VALIDATION_FAILED', 400],
          ['{"name": 1}', 'VALIDATION_FAILED', 400],
          ['{"name": ["x"]}', 'VALIDATION_FAILED', 400],
          ['{"name": "x", "more": 1}', 'VALIDATION_FAILED', 400],
          ['{"name": "X"}', 'VALIDATION_FAILED', 400],
          ['{"name": "none"}', 'VALIDATION_FAILED', 400],
          [`{"name": "a${UNKNOWN.slice(1)}"}`, 'VALIDATION_FAILED', 400],
          ['{"name": "x", "__proto__": {"admin": true}}', 'MALFORMED_BODY', 400],
          ['{"name": "x", "constructor": {"prototype": {"admin": true}}}', 'MALFORMED_BODY', 400],
          ['{"name": "x", "constructor": 1}', 'VALIDATION_FAILED', 400],
          ['{"name": "x", "title": "a\\u0000b"}', 'VALIDATION_FAILED', 400],
          ['{"name": "x", "title": "\\ud800"}', 'VALIDATION_FAILED', 400],
          [`{"name": "x", "title": "${'t'.repeat(201)}"}`, 'VALIDATION_FAILED', 400],
          [`{"name": "${'x'.repeat(64)}"}`, 'VALIDATION_FAILED', 400],
          [
            `{"name": "x", "hosts": ${JSON.stringify(Array.from({ length: 5_001 }, () => 'h'))}}`,
            'VALIDATION_FAILED',
            400,
          ],
          [`{"name": "x", "title": "${'t'.repeat(1_100_000)}"}`, 'BODY_TOO_LARGE', 413],
        ] satisfies [string, string, number][]
      ).map(([raw, code, status]) => ({ start: raw.slice(0, 60), raw, code, status })),
    )('the body $start… is refused', async ({ raw, code, status }) => {
      const answer = await post(raw);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(Object.keys(Object.prototype)).toEqual([]);
    });

    test.each([
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
      'text/plain\tapplication/json',
      ' ',
      'application/jsonx',
      'application/json-patch+json',
    ])('a body of type %j is not read', async (type) => {
      const answer = await post('{"name": "typed"}', type);
      expect([answer.status, answer.body.code]).toEqual([415, 'MEDIA_TYPE']);
      expect((await world.get('/clusters/typed')).status).toBe(404);
    });

    test('keys that every object has are keys like others: unknown ones', async () => {
      for (const key of ['constructor', 'toString', 'hasOwnProperty', 'valueOf', '$or', '__raw']) {
        const command = { command: 'configure', target: { service: 'demo' } };
        for (const more of [
          { config: { [key]: { x: 1 } } },
          { config: { 'demo.properties': { [key]: 1 } } },
          { overrides: { [key]: {} } },
        ]) {
          const answer = await world.post('/clusters/c/plans', { ...command, ...more });
          expect([key, Object.keys(more), answer.status, answer.body.code]).toEqual([
            key,
            Object.keys(more),
            422,
            'PLAN_REFUSED',
          ]);
        }
        const add = await world.post('/clusters/c/plans', { command: 'add', services: [{ service: key }] });
        expect([key, add.status]).toEqual([key, 422]);
        const placed = await world.post('/clusters/c/plans', {
          command: 'add',
          services: [{ service: 'demo', components: { [key]: ['h1'] } }],
        });
        expect([key, placed.status]).toEqual([key, 422]);
      }
    });

    test('values nobody would send are refused, not stored and not fatal', async () => {
      const plan = (config: unknown) =>
        world.send('POST', '/clusters/c/plans', {
          raw: `{"command":"configure","target":{"service":"demo"},"config":{"demo.properties":${JSON.stringify(config)}}}`,
        });
      for (const config of [
        { threads: '4' },
        { threads: 1e308 },
        { threads: 0 },
        { threads: 4.5 },
        { threads: null },
        { threads: [4] },
        { threads: { a: 1 } },
        { greeting: 7 },
        { dataDir: '../../etc' },
      ]) {
        const answer = await plan(config);
        expect([config, answer.status, answer.body.code]).toEqual([config, 422, 'PLAN_REFUSED']);
        expect(answer.body.errors[0].pointer).toBe(`/config/demo.properties/${Object.keys(config)[0]}`);
      }
      const deep = await world.send('POST', '/clusters/c/plans', {
        raw: `{"command":"configure","target":{"service":"demo"},"config":{"demo.properties":{"threads":${'['.repeat(100_000)}${']'.repeat(100_000)}}}}`,
        headers: { 'idempotency-key': 'deep' },
      });
      expect(deep.status).toBe(400);
      expect((await plan({ greeting: 'g'.repeat(500_000) })).status).toBeLessThan(500);
      expect((await world.get('/server', { headers: { 'x-request-id': 'a'.repeat(5_000) } })).status).toBe(200);
    });

    test('a body that nobody reads is refused, an empty one is none', async () => {
      for (const [method, path] of [
        ['POST', `/jobs/${UNKNOWN}/cancel`],
        ['POST', `/jobs/${UNKNOWN}/retry`],
        ['DELETE', '/clusters/nope'],
      ] as const) {
        expect((await world.send(method, path, { body: { force: true } })).body).toMatchObject({
          status: 400,
          code: 'VALIDATION_FAILED',
        });
        for (const sent of [{}, { body: {} }]) expect((await world.send(method, path, sent)).status).toBe(404);
      }
    });

    test('what is said twice is said once, or refused', async () => {
      const add = (services: object[]) => world.post('/clusters/c/plans', { command: 'add', services });
      for (const services of [
        [{ service: 'demo' }, { service: 'demo' }],
        [{ service: 'demo', components: { worker: ['h2', 'h2'] } }],
        [
          { service: 'demo', components: { worker: ['h2'] } },
          { service: 'demo', components: { worker: ['h2'] } },
        ],
        [{ service: 'demo', components: { worker: [] } }],
        [{ service: '' }],
        [{ service: 'demo', version: '' }],
      ]) {
        const { status, text } = await add(services);
        expect([services, [201, 400, 422].includes(status), text.includes('INTERNAL')]).toEqual([
          services,
          true,
          false,
        ]);
      }
      const twice = await world.post('/clusters/c/plans', { command: 'check', target: { hosts: ['h1', 'h1'] } });
      expect([twice.status, twice.body.code]).toEqual([422, 'PLAN_REFUSED']);
    });

    test('a parameter that nobody reads is a typing error, also where there are none', async () => {
      for (const path of [
        '/clusters?limt=2',
        '/server?x=1',
        '/clusters/c?x=1',
        '/clusters/c/exports?x',
        `/jobs?state=failed`,
        '/jobs?state=FAILED,',
        '/hosts?cluster=',
        '/clusters/c/components?stale=yes',
        '/clusters/c/components?observed=FINE',
        '/clusters/c/services/demo/config/versions/0',
      ]) {
        const answer = await world.get(path);
        expect([path, answer.status, answer.body.code]).toEqual([
          path,
          path.endsWith('cluster=') ? 404 : 400,
          path.endsWith('cluster=') ? 'NOT_FOUND' : 'VALIDATION_FAILED',
        ]);
      }
    });

    test('what is not HTTP, or half of it, is answered and hurts nobody', async () => {
      expect(await rawRequest(world, '/api/v1/clusters/%zz')).toMatch(/^HTTP\/1\.1 400[^]*MALFORMED_REQUEST/);
      expect(await rawRequest(world, '/api/v1/clusters/%c0%80')).toMatch(/^HTTP\/1\.1 (400|404)/);
      expect(await rawRequest(world, `/${'x'.repeat(20_000)}`)).toMatch(/^HTTP\/1\.1 431/);
      expect((await world.get('/server')).status).toBe(200);
    });

    test('events are offered as a stream only, and HEAD never hangs', async () => {
      const answer = await world.get('/events', { headers: { accept: 'application/json' } });
      expect([answer.status, answer.body.code]).toEqual([406, 'NOT_ACCEPTABLE']);
      expect((await world.send('HEAD', '/events', { headers: { accept: 'text/event-stream' } })).status).toBe(404);
      expect((await world.send('HEAD', '/server')).status).toBe(200);
      for (const id of ['x', '-1', '1.5', '9'.repeat(30)])
        expect(
          (await world.get('/events', { headers: { accept: 'text/event-stream', 'last-event-id': id } })).status,
        ).toBe(400);
      for (const query of ['topics=nope', 'topics=job,', 'after=x', 'cluster=nope'])
        expect(
          (await world.get(`/events?${query}`, { headers: { accept: 'text/event-stream' } })).status,
        ).toBeGreaterThanOrEqual(400);
    });
  });
});
