import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { Agent } from 'node:https';
import { connect as connectTls } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { peerOf } from '@stackyard/domain';
import { createLogger, systemClock } from '@stackyard/kernel';
import type { FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { EngineWorld } from '../engine/testing/world.ts';
import { newRequest } from '../identity/testing.ts';
import { startTestPostgres, type TestPostgres } from '../postgres/testing.ts';
import { enrolmentApp } from './app.ts';
import { Enrolment } from './enrolment.ts';
import type { EnrolmentRoute } from './routes.ts';
import { type Answer, ask } from './testing.ts';

const DAY_MS = 86_400_000;
const unlimited = { burst: 100_000, perSecond: 100_000 };

describe('the enrolment listener', () => {
  let postgres: TestPostgres;
  let world: EngineWorld;
  let app: FastifyInstance;
  let address: string;
  const joined: string[] = [];
  /** What the server takes for now. */
  let aheadMs = 0;
  beforeAll(async () => {
    postgres = await startTestPostgres('embedded');
  });
  afterAll(() => postgres?.stop());
  beforeEach(async () => {
    aheadMs = 0;
    joined.length = 0;
    world = await EngineWorld.open(await postgres.createDatabase());
    await world.serve();
  });
  afterEach(async () => {
    await app?.close();
    await world.clean();
  });

  async function listen({ rate = unlimited, routes = [] as EnrolmentRoute[] } = {}): Promise<void> {
    const clock = { ...systemClock, now: () => new Date(Date.now() + aheadMs) };
    app = enrolmentApp({
      enrolment: new Enrolment({
        sql: world.db.sql,
        transactions: world.engine!.events,
        identity: world.identity,
        clock,
        onJoined: (hostId) => joined.push(hostId),
      }),
      tls: world.identity.leaf,
      agentEndpoint: () => 'server.example:7071',
      routes,
      log: createLogger({ level: 'silent' }),
      rate,
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    address = `127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  }

  const post = (path: string, body: unknown, more: object = {}): Promise<Answer> =>
    ask(address, { method: 'POST', path, ca: world.identity.trustedPem, servername: 'localhost', ...more }, body);

  const joinBody = async (hostName: string, token?: string) => ({
    token: token ?? (await world.token(hostName)),
    hostName,
    csr: (await newRequest()).request.toString('base64'),
  });

  const hosts = async (): Promise<string[]> =>
    (await world.db.sql.query<{ name: string }>('select name from host order by name')).rows.map(({ name }) => name);

  test('of ten thousand uses of one token at once, one succeeds', async () => {
    await listen();
    const agent = new Agent({ keepAlive: true, maxSockets: 200 });
    try {
      const body = await joinBody('once');
      const answers = await Promise.all(Array.from({ length: 10_000 }, () => post('/v1/enrol', body, { agent })));
      const statuses = Map.groupBy(answers, ({ status }) => status);
      expect([statuses.get(200)?.length, statuses.get(403)?.length]).toEqual([1, 9_999]);
      const { rows } = await world.db.sql.query('select serial from agent_certificate');
      expect([rows.length, joined.length, await hosts()]).toEqual([1, 1, ['once']]);
    } finally {
      agent.destroy();
    }
  });

  test('a token is good for its host, once, in its time; every refusal reads the same', async () => {
    await listen();
    const used = await joinBody('zk1');
    expect((await post('/v1/enrol', used)).status).toBe(200);
    const late = await joinBody('late', await world.token('late', { forMs: -1 }));
    const other = { ...(await joinBody('zk2')), hostName: 'zk3' };
    const unknown = await joinBody('zk4', 'syj_0123456789012345678901234567890123456789012');
    const answers = await Promise.all([used, late, other, unknown].map((body) => post('/v1/enrol', body)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(403);
    expect(await hosts()).toEqual(['zk1']);
  });

  test('a host gets a certificate for its key, in a name of the server’s choosing, and all it needs to go on', async () => {
    await listen();
    const { key, request } = await newRequest();
    const body = { ...(await joinBody('zk1')), csr: request.toString('base64') };
    const answer = JSON.parse((await post('/v1/enrol', body)).body);
    const certificate = new X509Certificate(answer.certificate);
    expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true);
    const { installId, trustedPem } = world.identity;
    expect(peerOf(certificate.subjectAltName)).toEqual({ role: 'agent', installId, agentId: answer.agentId });
    expect(answer).toMatchObject({ installId, authorities: trustedPem, server: 'server.example:7071' });
    expect(joined).toEqual([answer.agentId]);
  });

  test('a host that joins again keeps its id, and its earlier certificates are worth nothing', async () => {
    await listen();
    const first = JSON.parse((await post('/v1/enrol', await joinBody('zk1'))).body);
    const second = JSON.parse((await post('/v1/enrol', await joinBody('zk1'))).body);
    expect(second.agentId).toBe(first.agentId);
    const { rows } = await world.db.sql.query(
      'select serial, revoked_at is null as good from agent_certificate order by issued_at',
    );
    expect(rows.map(({ good }) => good)).toEqual([false, true]);
  });

  test('a token that came with a bad request is not used up', async () => {
    await listen();
    const body = await joinBody('zk1');
    expect((await post('/v1/enrol', { ...body, csr: 'AAAA' })).status).toBe(403);
    expect((await post('/v1/enrol', body)).status).toBe(200);
  });

  test.each<[string, unknown, number]>([
    ['no body', undefined, 400],
    ['no JSON', '{', 400],
    ['a list', [], 400],
    ['nothing', {}, 400],
    ['one more property', { token: 'x'.repeat(40), hostName: 'a', csr: 'AAAA', role: 'server' }, 400],
    ['a number for a token', { token: 1e30, hostName: 'a', csr: 'AAAA' }, 400],
    ['a name that is no name', { token: 'x'.repeat(40), hostName: '../../etc', csr: 'AAAA' }, 403],
    ['a name with a line break', { token: 'x'.repeat(40), hostName: 'a\nb', csr: 'AAAA' }, 403],
    ['a request that is no base64', { token: 'x'.repeat(40), hostName: 'a', csr: '%%%%' }, 400],
    ['a request that is too long', { token: 'x'.repeat(40), hostName: 'a', csr: 'A'.repeat(5000) }, 400],
    ['a body that is too long', { token: 'x'.repeat(20_000), hostName: 'a', csr: 'AAAA' }, 413],
    ['a prototype', '{"__proto__":{"x":1},"token":"x","hostName":"a","csr":"AAAA"}', 400],
  ])('with %s nobody joins', async (_, body, status) => {
    await listen();
    const headers = { 'content-type': 'application/json' };
    expect((await post('/v1/enrol', body, { headers })).status).toBe(status);
    expect(await hosts()).toEqual([]);
  });

  test('only JSON is read, and nothing else is there', async () => {
    await listen();
    const body = JSON.stringify(await joinBody('zk1'));
    const form = { headers: { 'content-type': 'application/x-www-form-urlencoded' } };
    expect((await post('/v1/enrol', body, form)).status).toBe(415);
    for (const path of ['/', '/api/v1/server', '/v1/enrol', '/ca.key', '/../identity/rotation.json'])
      expect([path, (await ask(address, { path })).status]).toEqual([path, 404]);
  });

  test('it speaks TLS 1.3 and nothing older', async () => {
    await listen();
    const [host = '', port] = address.split(':');
    const old = connectTls({ host, port: Number(port), maxVersion: 'TLSv1.2', rejectUnauthorized: false });
    await expect(
      new Promise((resolve, reject) => old.once('secureConnect', resolve).once('error', reject)),
    ).rejects.toThrow(/protocol/i);
  });

  test('an address that asks too often is told to wait, whatever it asks with', async () => {
    await listen({ rate: { burst: 5, perSecond: 0 } });
    const body = await joinBody('zk1');
    const statuses: number[] = [];
    for (let n = 0; n < 8; n++) {
      const headers = { 'content-type': 'application/json', 'x-forwarded-for': `10.0.0.${n}` };
      statuses.push((await post('/v1/enrol', { ...body, token: `syj_${'x'.repeat(40)}` }, { headers })).status);
    }
    expect(statuses).toEqual([403, 403, 403, 403, 403, 429, 429, 429]);
    expect((await ask(address, { path: '/ca.pem' })).status).toBe(200);
  });

  test('what others offer beside it is served, and only under its own address', async () => {
    const get = vi.fn<EnrolmentRoute['get']>(({ params }) =>
      params['name'] === 'agent' ? { headers: { 'content-type': 'text/plain' }, body: 'bytes' } : undefined,
    );
    await listen({ routes: [{ url: '/files/:name', get }] });
    expect(await ask(address, { path: '/files/agent' })).toMatchObject({ status: 200, body: 'bytes' });
    expect((await ask(address, { path: '/files/other' })).status).toBe(404);
    expect((await ask(address, { path: '/files/a%2F..%2Fb' })).status).toBe(404);
  });

  async function expiring(): Promise<{ agentId: string; certificate: string; key: string }> {
    const { key, request } = await newRequest();
    const body = { ...(await joinBody('zk1')), csr: request.toString('base64') };
    return { ...JSON.parse((await post('/v1/enrol', body)).body), key };
  }

  async function renewBody({ certificate, key }: { certificate: string; key: string }) {
    const { request } = await newRequest();
    const signature = sign('sha256', request, createPrivateKey(key)).toString('base64');
    return { certificate, csr: request.toString('base64'), signature };
  }

  test('a certificate that has expired is renewed for thirty days by whoever holds its key', async () => {
    await listen();
    const old = await expiring();
    const lifeMs = world.identity.certificateLifeMs;
    aheadMs = lifeMs + 29 * DAY_MS;
    const answer = await post('/v1/renew', await renewBody(old));
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ agentId: old.agentId, installId: world.identity.installId });
    aheadMs = lifeMs + 31 * DAY_MS;
    expect((await post('/v1/renew', await renewBody(old))).status).toBe(403);
  });

  test('a certificate is not renewed without its key, nor when it is revoked, nor when it is of another authority', async () => {
    await listen();
    const old = await expiring();
    const good = await renewBody(old);
    const stranger = await newRequest();
    const foreign = await EngineWorld.open(await postgres.createDatabase());
    try {
      await foreign.serve();
      const { key, certificate } = await foreign.join('zk1');
      const bodies = [
        { ...good, signature: (await renewBody({ ...old, key: stranger.key })).signature },
        { ...good, csr: stranger.request.toString('base64') },
        { ...good, certificate: world.identity.trustedPem },
        { ...good, certificate: world.identity.leaf.material.cert },
        { ...good, certificate: 'no certificate' },
        await renewBody({ key, certificate }),
      ];
      for (const body of bodies) expect((await post('/v1/renew', body)).status).toBe(403);
    } finally {
      await foreign.clean();
    }
    await world.db.sql.query('update agent_certificate set revoked_at = now()');
    expect((await post('/v1/renew', good)).status).toBe(403);
    await world.db.sql.query('update agent_certificate set revoked_at = null');
    expect((await post('/v1/renew', good)).status).toBe(200);
  });
});
