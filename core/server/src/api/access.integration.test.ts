import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, testPostgresKinds, type TestPostgres } from '../postgres/testing.ts';
import { rawRequest } from './testing/rawRequest.ts';
import { ServerWorld } from './testing/world.ts';

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly description: string;
  readonly operationId: string;
  readonly open: boolean;
}

const UNKNOWN = '00000000-0000-4000-8000-000000000000';

describe.each(testPostgresKinds())('access on %s PostgreSQL', (kind) => {
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
      .replace('{policy}', 'any')
      .replace('{publisher}', 'acme')
      .replace('{keyId}', `ed25519-${'0'.repeat(32)}`)
      .replace('{registry}', 'site')
      .replace(/\{(job|task|plan|stackId|update|allowance|bundle)\}/, UNKNOWN)
      .replace(/\/stack-versions$/, '/stack-versions?stack=@acme/db');

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
        const text = await rawRequest(world, path, 'none');
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
        rotateAuthority: { step: 'start' },
        createCluster: { name: 'new' },
        addClusterHosts: { hosts: ['h2'] },
        updateAgents: {},
        runCommand: { command: 'check', target: {} },
        createPlan: { command: 'check', target: {} },
        executePlan: {},
        createJoinToken: { hostName: 'h9' },
        createJoinTokens: { hostNames: ['h9'] },
        putConfig: { values: {} },
        recommendServices: { services: [{ service: 'demo' }] },
        allowStack: { package: '@acme/db', version: '1.0.0' },
        addPublisherKey: { publicKey: 'stackyard-ed25519 AAAA acme' },
        setPublisherScopes: { scopes: ['@acme/*'] },
        installStack: { stack: '@acme/db' },
        previewStack: { stack: '@acme/db' },
        createBundle: { stacks: [{ name: '@acme/db' }], packages: false, architectures: ['x64'] },
        importBundle: {},
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
