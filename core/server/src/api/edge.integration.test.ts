import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, testPostgresKinds, type TestPostgres } from '../postgres/testing.ts';
import { ServerWorld } from './testing/world.ts';

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly description: string;
  readonly operationId: string;
  readonly open: boolean;
}

const UNKNOWN = '00000000-0000-4000-8000-000000000000';

describe.each(testPostgresKinds())('the edge on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let world: ServerWorld;
  let operations: Operation[] = [];
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
    world = await ServerWorld.start(await postgres.createDatabase(), { stacks: [{ name: 'demo' }] });
    await world.join('h1', 'h2');
    await world.cluster('c', ['h1'], { demo: true });
    operations = await describedOperations();
  });
  afterAll(async () => {
    await world?.close();
    await postgres?.stop();
  });

  async function describedOperations(): Promise<Operation[]> {
    const { body } = await world.get('/openapi.json', { token: null });
    return Object.entries(
      body.paths as Record<string, Record<string, { description: string; operationId: string; security?: unknown[] }>>,
    ).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { description, operationId, security }]) => ({
        method: method.toUpperCase(),
        path,
        description,
        operationId,
        open: security?.length === 0,
      })),
    );
  }
  const filled = (path: string) =>
    path
      .replace('{cluster}', 'c')
      .replace('{service}', 'demo')
      .replace('{host}', 'h1')
      .replace('{version}', '1')
      .replace(/\{(job|task|plan|stackId)\}/, UNKNOWN);

  describe('who asks', () => {
    test('every operation that is described is also refused without a token, and only one is open', async () => {
      expect(operations.length).toBeGreaterThan(30);
      expect(operations.filter(({ open }) => open).map(({ operationId }) => operationId)).toEqual(['listProblems']);
      const tokens: (string | null)[] = [
        null,
        '',
        'wrong',
        `${world.server.token}x`,
        world.server.token.slice(0, -1),
        'ü\u00ff',
      ];
      for (const { method, path } of operations.filter(({ open }) => !open)) {
        for (const token of tokens) {
          const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
          const answer = await world.send(method, filled(path), { token: null, headers });
          expect([method, path, token, answer.status, answer.body?.code]).toEqual([
            method,
            path,
            token,
            401,
            'UNAUTHENTICATED',
          ]);
        }
      }
    });

    test.each([
      ['Basic', (token: string) => `Basic ${Buffer.from(`admin:${token}`).toString('base64')}`],
      ['no scheme', (token: string) => token],
      ['two tokens', (token: string) => `Bearer ${token} ${token}`],
      ['a list', (token: string) => `Bearer x, Bearer ${token}`],
      ['quotes', (token: string) => `Bearer "${token}"`],
    ])('the right token in the wrong way (%s) is no token', async (_, header) => {
      expect(
        (await world.get('/server', { token: null, headers: { authorization: header(world.server.token) } })).status,
      ).toBe(401);
    });

    test('a token in the URL or in a cookie is no token', async () => {
      const { token } = world.server;
      expect(
        (
          await world.get(`/server?token=${token}&access_token=${token}`, {
            token: null,
            headers: { cookie: `token=${token}` },
          })
        ).status,
      ).toBe(401);
    });

    test('paths that only look like open ones are not open', async () => {
      for (const path of [
        '/api/v1/docs/../server',
        '/api/v1/docs/%2e%2e/server',
        '/api/v1/docs%2f..%2fserver',
        '//api/v1/server',
        '/api/v1/problems/../server',
        '/api/v1/docs/static/..%2f..%2f..%2f..%2fpackage.json',
        '/api/v1/server/',
        '/API/v1/server',
      ]) {
        const text = await rawRequest(world, path);
        expect([path, /^HTTP\/1\.1 (401|404|400|302)/.test(text), text.includes('installId')]).toEqual([
          path,
          true,
          false,
        ]);
      }
    });

    test('the docs page and the description are open, and ask nobody else for anything', async () => {
      const page = await world.get('/docs/', { token: null });
      expect(page.status).toBe(200);
      const policy = page.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toMatch(/https?:|upgrade-insecure|unsafe-eval/);
      expect(page.headers.get('x-content-type-options')).toBe('nosniff');
      expect(page.headers.get('x-frame-options')).toBe('DENY');
      const linked = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(
        ([, url = '']) => new URL(url, `${world.server.url}/api/v1/docs/`),
      );
      expect(linked.length).toBeGreaterThan(2);
      expect(page.text).not.toMatch(/<script(?![^>]*src=)/);
      for (const url of linked) {
        expect(url.origin).toBe(world.server.url);
        expect((await fetch(url)).status).toBe(200);
      }
      const { status, body } = await world.get('/openapi.json', { token: null });
      expect([status, body.openapi]).toEqual([200, '3.0.3']);
    });

    test('every operation says which permission it needs, and who has none gets nowhere', async () => {
      const hash = (await import('node:crypto')).createHash('sha256').update('syk_viewer').digest('hex');
      await world.sql(
        `insert into api_token (id, name, hash, created_at) values (gen_random_uuid(), 'viewer', $1, now())`,
        [hash],
      );
      const bodies: Record<string, object> = {
        createCluster: { name: 'new' },
        addClusterHosts: { hosts: ['h2'] },
        runCommand: { command: 'check', target: {} },
        createPlan: { command: 'check', target: {} },
        executePlan: {},
        createJoinToken: { hostName: 'h9' },
        putConfig: { values: {} },
      };
      for (const { method, path, operationId, description } of operations.filter(({ open }) => !open)) {
        const permission = /Permission: (\w+ \w+)\.$/.exec(description)?.[1];
        expect([operationId, permission]).toEqual([
          operationId,
          expect.stringMatching(/^(read|create|change|operate|delete) /),
        ]);
        const body = bodies[operationId];
        const answer = await world.send(method, filled(path), {
          token: 'syk_viewer',
          ...(body ? { body } : {}),
          ...(operationId === 'streamEvents' ? { headers: { accept: 'text/event-stream' } } : {}),
        });
        expect([operationId, answer.status, answer.body?.code, answer.body?.detail]).toEqual([
          operationId,
          403,
          'FORBIDDEN',
          `This needs the permission to ${permission}.`,
        ]);
      }
      expect(await world.sql(`select 1 from audit_entry where status = 403`)).not.toHaveLength(0);
      expect((await world.get('/clusters/new')).status).toBe(404);
    });
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
      for (const key of ['constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
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

  describe('what is recorded', () => {
    const trail = (requestId: string) =>
      world.sql(
        `select action, resource, status, cluster_id is not null as cluster from audit_entry where request_id = $1`,
        [requestId],
      );

    test('changes are recorded, also those that were refused; reads and strangers are not', async () => {
      const send = async (method: string, path: string, sent: Parameters<ServerWorld['send']>[2] = {}) =>
        (await world.send(method, path, sent)).headers.get('x-request-id') ?? '';
      expect(await trail(await send('POST', '/clusters', { body: { name: 'audited' } }))).toEqual([
        { action: 'cluster.create', resource: '/api/v1/clusters', status: 201, cluster: false },
      ]);
      expect(await trail(await send('POST', '/clusters', { body: { name: 'audited' } }))).toMatchObject([
        { action: 'cluster.create', status: 409 },
      ]);
      expect(await trail(await send('POST', '/clusters', { body: { name: 7 } }))).toMatchObject([
        { action: 'cluster.create', status: 400 },
      ]);
      expect(await trail(await send('DELETE', '/clusters/c'))).toMatchObject([
        { action: 'cluster.delete', status: 409, cluster: true },
      ]);
      expect(await trail(await send('DELETE', '/clusters/nope'))).toMatchObject([
        { action: 'cluster.delete', status: 404 },
      ]);
      expect(await trail(await send('GET', '/clusters/c'))).toEqual([]);
      expect(await trail(await send('GET', '/clusters/nope'))).toEqual([]);
      expect(await trail(await send('POST', '/clusters', { token: null, body: { name: 'x' } }))).toEqual([]);
    });
  });
});

/** A GET whose path is sent exactly as it is; fetch would tidy it. */
function rawRequest(world: ServerWorld, path: string): Promise<string> {
  const { port, hostname } = new URL(world.server.url);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), hostname, () =>
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${path.includes('server') ? 'none' : world.server.token}\r\nConnection: close\r\n\r\n`,
      ),
    );
    socket.on('data', (data) => (text += data.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}
