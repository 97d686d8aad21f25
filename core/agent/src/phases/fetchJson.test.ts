import { createServer, type IncomingMessage, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PhaseContext } from './context.ts';
import { makeHost } from './lifecycle.ts';
import type { OnceMarkers } from './once.ts';

let server: Server;
let port: number;

async function answerTo(request: IncomingMessage): Promise<[status: number, body: string]> {
  if (request.url === '/refused') return [403, '{ "message":\n  "it is in safe mode" }'];
  if (request.url === '/nothing') return [201, ''];
  if (request.url === '/page') return [200, '<html>'];
  const { method, headers } = request;
  return [200, JSON.stringify({ method, type: headers['content-type'] ?? null, got: await text(request) })];
}

beforeEach(async () => {
  server = createServer((request, response) => {
    void answerTo(request).then(([status, body]) => response.writeHead(status).end(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as { port: number }).port;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function host() {
  const self = { address: '127.0.0.1', root: '/', service: 's', component: 'c', hostComponentId: 'hc' };
  const context = { inputs: { self }, order: { packages: {}, once: [] }, service: { packages: [] } };
  return makeHost(context as unknown as PhaseContext, {} as OnceMarkers);
}

test('a function of a stack asks a product over HTTP, and can have it do something', async () => {
  expect(await host().fetchJson(port, '/x')).toEqual({ method: 'GET', type: null, got: '' });
  expect(await host().fetchJson(port, '/x', { method: 'PUT', body: { ä: 1 } })).toEqual({
    method: 'PUT',
    type: 'application/json',
    got: '{"ä":1}',
  });
  expect(await host().fetchJson(port, '/nothing', { method: 'DELETE' })).toBeNull();
});

test('what a product answers when it refuses stands in the sentence', async () => {
  const at = `http://127.0.0.1:${port}`;
  const refused = `${at}/refused answers 403: { "message": "it is in safe mode" }.`;
  await expect(host().fetchJson(port, '/refused')).rejects.toThrow(refused);
  await expect(host().fetchJson(port, '/page')).rejects.toThrow(`${at}/page does not answer with JSON.`);
});
