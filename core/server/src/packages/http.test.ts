import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { get, NoWayOut } from './http.ts';

const limits = { connectTimeoutMs: 200, idleTimeoutMs: 5_000, redirects: 3 };
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
  vi.unstubAllEnvs();
});

test('a machine that takes the connection and says nothing is no way out', async () => {
  const port = await listen(createServer());
  await expect(ask(`https://127.0.0.1:${port}/x`)).rejects.toThrow(new NoWayOut('no connection in time'));
});

test.each([
  ['refuses', (socket: Socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'), 'ERR_PROXY_TUNNEL'],
  ['says nothing', () => undefined, 'no connection in time'],
] as const)('a proxy that %s is no way out', async (_, connected, says) => {
  const proxy = createHttpServer().on('connect', (_request, socket: Socket) => connected(socket));
  vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${await listen(proxy)}`);
  await expect(ask('https://archive.example/x')).rejects.toThrow(new NoWayOut(says));
});

test('a proxy that wants a login is no way out', async () => {
  const proxy = createHttpServer((_, response) => response.writeHead(407).end());
  vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${await listen(proxy)}`);
  await expect(ask('http://archive.example/x')).rejects.toThrow(new NoWayOut('the proxy asks for a login'));
});

test('a request is cancelled also while it has no connection', async () => {
  const proxy = createHttpServer().on('connect', () => abort.abort(new Error('cancelled')));
  const abort = new AbortController();
  vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${await listen(proxy)}`);
  await expect(ask('https://archive.example/x', abort.signal)).rejects.toThrow('cancelled');
});

function ask(url: string, signal: AbortSignal = new AbortController().signal) {
  return get(new URL(url), {}, { signal, limits });
}

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  stops.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}
