import { connect } from 'node:net';
import { defineRoute, type Principal, type Route } from '@stackyard/contract';
import { createLogger } from '@stackyard/kernel';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { type AppParts, buildApp } from './app.ts';
import { NotFoundError, ForbiddenError } from './errors.ts';
import type { StoredAnswer } from './idempotency.ts';

const admin: Principal = { id: 'p1', name: 'admin', kind: 'token' };
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
});

const things = new Map<string, { name: string; size: number }>();
const createThing = defineRoute({
  method: 'POST',
  url: '/things',
  operationId: 'createThing',
  tag: 'things',
  summary: 'Create a thing',
  description: 'Creates it.',
  permission: { action: 'create', resource: 'cluster' },
  audit: 'thing.create',
  idempotent: true,
  body: z.strictObject({ name: z.string().min(1), size: z.int().min(1) }),
  answers: { 201: { description: 'Created', schema: z.object({ name: z.string() }) } },
  problems: [422],
  handle: async ({ body }) => {
    things.set(body.name, body);
    return {
      status: 201,
      headers: { location: `/api/v1/things/${body.name}` },
      body: { name: body.name, at: things.size },
    };
  },
});
const getThing = defineRoute({
  method: 'GET',
  url: '/things/:name',
  operationId: 'getThing',
  tag: 'things',
  summary: 'Read a thing',
  description: 'Reads it.',
  permission: { action: 'read', resource: 'cluster' },
  audit: 'none',
  params: z.strictObject({ name: z.string() }),
  answers: { 200: { description: 'The thing' } },
  problems: [404],
  handle: async ({ params }) => {
    if (params.name === 'broken') throw new Error('secret cause');
    throw new NotFoundError({ what: 'thing', name: params.name });
  },
});
const streamThings = defineRoute({
  method: 'GET',
  url: '/stream',
  operationId: 'streamThings',
  tag: 'things',
  summary: 'Stream',
  description: 'Streams.',
  permission: { action: 'read', resource: 'event' },
  audit: 'none',
  answers: { 200: { description: 'Events', stream: true } },
  handle: async () => ({
    messages: (async function* () {
      yield { id: '1', event: 'thing', data: { n: 1 } };
      yield { id: '2', event: 'thing', data: { n: 2 } };
    })(),
  }),
});

async function start(routes: Route[], more: Partial<AppParts> = {}) {
  const answers = new Map<string, { requestHash: string; answer?: StoredAnswer }>();
  const audited: string[] = [];
  const app = await buildApp({
    routes,
    log: createLogger({ level: 'silent' }),
    authenticate: async (token) => (token === 'good' ? admin : undefined),
    authorize: () => undefined,
    digest: (text) => text,
    idempotency: {
      claim: async (principal, key, requestHash) => {
        const known = answers.get(`${principal} ${key}`);
        if (!known) answers.set(`${principal} ${key}`, { requestHash });
        return known;
      },
      complete: async (principal, key, answer) => {
        const known = answers.get(`${principal} ${key}`);
        if (known) known.answer = answer;
      },
      abandon: async (principal, key) => void answers.delete(`${principal} ${key}`),
    },
    audit: async (entry) => void audited.push(`${entry.action} ${entry.status}`),
    observe: () => undefined,
    streamHeartbeatMs: 15_000,
    streamRecheckMs: 30_000,
    inFlight: new Set(),
    ...more,
  });
  await app.ready();
  open.push(app);
  const send = (method: 'GET' | 'POST', url: string, payload?: object, headers: Record<string, string> = {}) =>
    app.inject({
      method,
      url: `/api/v1${url}`,
      headers: { authorization: 'Bearer good', ...headers },
      ...(payload ? { payload } : {}),
    });
  return { app, send, audited };
}

test('a request without a token is refused before anything else is looked at', async () => {
  const { app } = await start([createThing]);
  const answer = await app.inject({
    method: 'POST',
    url: '/api/v1/things',
    payload: '{"broken',
    headers: { 'content-type': 'application/json' },
  });
  expect(answer.statusCode).toBe(401);
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(answer.headers['www-authenticate']).toBe('Bearer');
});

test('false is not a string and an unknown key is not dropped: both are named with their place', async () => {
  const { send, audited } = await start([createThing]);
  const answer = await send('POST', '/things', { name: false, size: '3', colour: 'red' });
  expect(answer.statusCode).toBe(400);
  expect(answer.json().errors.map((error: { pointer: string }) => error.pointer)).toEqual(
    expect.arrayContaining(['/name', '/size']),
  );
  expect(JSON.stringify(answer.json())).toContain('colour');
  expect(audited).toEqual(['thing.create 400']);
});

test('an error of the catalogue keeps its code and sentence, any other becomes INTERNAL without its cause', async () => {
  const { send } = await start([getThing]);
  expect((await send('GET', '/things/x')).json()).toMatchObject({
    status: 404,
    code: 'NOT_FOUND',
    detail: 'There is no thing x.',
  });
  const broken = await send('GET', '/things/broken');
  expect(broken.statusCode).toBe(500);
  expect(broken.body).not.toContain('secret cause');
  expect(broken.json().requestId).toBe(broken.headers['x-request-id']);
});

test('a repeated Idempotency-Key replays the answer, another body under it is refused', async () => {
  const { send } = await start([createThing]);
  const headers = { 'idempotency-key': 'k-1' };
  const first = await send('POST', '/things', { name: 'a', size: 1 }, headers);
  const again = await send('POST', '/things', { name: 'a', size: 1 }, headers);
  expect(again.json()).toEqual(first.json());
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect(again.headers.location).toBe('/api/v1/things/a');
  expect((await send('POST', '/things', { name: 'b', size: 1 }, headers)).statusCode).toBe(422);
});

test('what the principal may not do is refused with the permission it needs', async () => {
  const { send } = await start([createThing], {
    authorize: (_principal, permission) => {
      throw new ForbiddenError(permission);
    },
  });
  const answer = await send('POST', '/things', { name: 'a', size: 1 });
  expect(answer.statusCode).toBe(403);
  expect(answer.json().detail).toBe('This needs the permission to create cluster.');
});

test('messages of a stream carry their ids', async () => {
  const { send } = await start([streamThings]);
  const answer = await send('GET', '/stream', undefined, { accept: 'text/event-stream' });
  expect(answer.headers['content-type']).toContain('text/event-stream');
  expect(answer.body).toContain('id: 1\nevent: thing\ndata: {"n":1}\n\n');
  expect(answer.body).toContain('id: 2');
});

test('a stream is what clients get that take anything, and those that take something else are told', async () => {
  const { send } = await start([streamThings]);
  for (const accept of ['*/*', 'text/html, */*;q=0.1', 'text/*']) {
    const answer = await send('GET', '/stream', undefined, { accept });
    expect(answer.headers['content-type']).toContain('text/event-stream');
  }
  expect((await send('GET', '/stream', undefined, { accept: 'application/json' })).statusCode).toBe(406);
});

test('a stream is there at once, is kept alive while nothing happens, and ends with its client', async () => {
  const ended = Promise.withResolvers<void>();
  const idle = defineRoute({
    ...streamThings,
    handle: async ({ signal }) => ({
      // oxlint-disable-next-line require-yield
      messages: (async function* () {
        try {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        } finally {
          ended.resolve();
        }
      })(),
    }),
  });
  const { app } = await start([idle], { streamHeartbeatMs: 20 });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const gone = new AbortController();
  const headers = { authorization: 'Bearer good', accept: 'text/event-stream' };
  const answer = await fetch(`${url}/api/v1/stream`, { headers, signal: gone.signal });
  expect([answer.status, answer.headers.get('x-request-id')]).toEqual([200, expect.any(String)]);
  const reader = answer.body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(': heartbeat\n\n');
  gone.abort();
  await ended.promise;
});

test('a client that stops reading and goes leaves no handler behind', async () => {
  const ended = Promise.withResolvers<void>();
  const flood = defineRoute({
    ...streamThings,
    handle: async () => ({
      messages: (async function* () {
        try {
          for (let id = 1; ; id++) yield { id: String(id), data: 'x'.repeat(100_000) };
        } finally {
          ended.resolve();
        }
      })(),
    }),
  });
  const { app } = await start([flood]);
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
  socket.pause();
  socket.write(
    'GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nAccept: text/event-stream\r\n\r\n',
  );
  // The buffers of both sides fill up, then the server waits for the client.
  await new Promise((resolve) => setTimeout(resolve, 200));
  socket.destroy();
  await ended.promise;
});

test('a stream ends when its token is revoked, and when what it reads fails', async () => {
  const valid = new Set(['good']);
  const forever = defineRoute({
    ...streamThings,
    handle: async ({ signal }) => ({
      messages: (async function* () {
        yield { id: '1', data: 1 };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      })(),
    }),
  });
  const broken = defineRoute({
    ...streamThings,
    url: '/broken',
    operationId: 'streamBroken',
    handle: async () => ({
      messages: (async function* () {
        yield { id: '1', data: 1 };
        throw new Error('the database went away');
      })(),
    }),
  });
  const authenticate = async (token: string) => (valid.has(token) ? admin : undefined);
  const { app } = await start([forever, broken], { authenticate, streamRecheckMs: 20 });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const read = (path: string) =>
    fetch(`${url}/api/v1${path}`, { headers: { authorization: 'Bearer good', accept: 'text/event-stream' } });
  await expect((await read('/broken')).text()).rejects.toThrow(/terminated/);
  const open = (await read('/stream')).text();
  valid.clear();
  await expect(open).rejects.toThrow(/terminated/);
  expect((await read('/stream')).status).toBe(401);
});

const sendThing = defineRoute({
  method: 'POST',
  url: '/things/bytes',
  operationId: 'sendThing',
  tag: 'things',
  summary: 'Send a thing',
  description: 'Counts it.',
  permission: { action: 'create', resource: 'cluster' },
  audit: 'thing.send',
  upload: { media: 'application/octet-stream', maxBytes: 1_000 },
  answers: { 201: { description: 'Counted' } },
  handle: async ({ content }) => {
    let bytes = 0;
    for await (const part of content) bytes += part.length;
    return { status: 201, body: { bytes } };
  },
});

test('what a route has read to see whose it is, it finds again by the request it is given', async () => {
  const seen = new WeakMap<object, string>();
  const seeThing = defineRoute({
    method: 'GET',
    url: '/seen/:name',
    operationId: 'seeThing',
    tag: 'things',
    summary: 'See a thing',
    description: 'Sees it.',
    permission: { action: 'read', resource: 'cluster' },
    audit: 'none',
    params: z.strictObject({ name: z.string() }),
    clusterOf: async (request) => {
      seen.set(request, request.params.name);
      return undefined;
    },
    answers: { 200: { description: 'The thing' } },
    handle: async (request) => ({ body: { seen: seen.get(request) } }),
  });
  const { send } = await start([seeThing]);
  expect((await send('GET', '/seen/one')).json()).toEqual({ seen: 'one' });
});

test('an upload comes as bytes, counted; more than allowed, another type and JSON are refused', async () => {
  const { app, audited } = await start([sendThing, createThing]);
  const send = async (payload: string, type = 'application/octet-stream', url = '/things/bytes') => {
    const headers = { authorization: 'Bearer good', 'content-type': type };
    const answer = await app.inject({ method: 'POST', url: `/api/v1${url}`, headers, payload });
    return [answer.statusCode, answer.json().bytes ?? answer.json().code];
  };
  expect(await send('x'.repeat(1_000))).toEqual([201, 1_000]);
  expect(await send('x'.repeat(1_001))).toEqual([413, 'BODY_TOO_LARGE']);
  expect(await send('{"a":1}', 'application/json')).toEqual([415, 'MEDIA_TYPE']);
  expect(await send('x', 'image/png')).toEqual([415, 'MEDIA_TYPE']);
  expect(await send('x', 'application/octet-stream', '/things')).toEqual([415, 'MEDIA_TYPE']);
  expect(audited.slice(0, 2)).toEqual(['thing.send 201', 'thing.send 413']);
});

test('an upload of unknown length ends at its limit, one that stands still or breaks off is given up', async () => {
  const { app, audited } = await start([sendThing, createThing], { bodyMs: 200 });
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  const ask = (path: string, body: string, more = '') =>
    new Promise<string>((resolve) => {
      let said = '';
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('data', (data) => (said += data.toString()));
      socket.on('close', () => resolve(said));
      socket.on('error', () => undefined);
      socket.write(
        `POST /api/v1${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer good\r\nconnection: close\r\n${more}\r\n${body}`,
      );
    });
  const bytes = 'content-type: application/octet-stream\r\n';
  const chunks = `${'x'.repeat(600)}\r\n258\r\n${'x'.repeat(600)}\r\n0\r\n\r\n`;
  const chunked = await ask('/things/bytes', `258\r\n${chunks}`, `${bytes}transfer-encoding: chunked\r\n`);
  expect(chunked).toMatch(/^HTTP\/1.1 413 /);
  const stalled = await ask('/things/bytes', 'x', `${bytes}content-length: 10\r\n`);
  expect(stalled).toMatch(/^HTTP\/1.1 408 [^]*UPLOAD_STALLED/);
  const slow = await ask('/things', '{"name"', 'content-type: application/json\r\ncontent-length: 100\r\n');
  expect(slow).toMatch(/^HTTP\/1.1 408 /);
  expect(audited).toEqual(expect.arrayContaining(['thing.send 413', 'thing.send 408']));
});

test('the API describes itself in OpenAPI 3.0.3', async () => {
  const { app } = await start([createThing, getThing, streamThings]);
  const document = (await app.inject({ method: 'GET', url: '/api/v1/openapi.json' })).json();
  expect(document.openapi).toBe('3.0.3');
  const create = document.paths['/api/v1/things'].post;
  expect(create.operationId).toBe('createThing');
  expect(create.requestBody.content['application/json'].schema.additionalProperties).toBe(false);
  expect(create.responses['422'].content['application/problem+json'].schema).toEqual({
    $ref: '#/components/schemas/Problem',
  });
});
