import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { isClosed } from './addresses.ts';
import { GuardedEgress } from './egress.ts';

interface Heard {
  readonly path: string | undefined;
  readonly body: string;
}

/** A server of this machine that remembers what reached it. */
async function canary(answer: { status?: number; location?: string; silent?: boolean; bytes?: number } = {}) {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      heard.push({ path: request.url, body });
      if (answer.silent) return;
      if (answer.location) response.setHeader('location', answer.location);
      response.statusCode = answer.status ?? 200;
      response.end('x'.repeat(answer.bytes ?? 10));
    });
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, heard };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}

test.each([
  '127.0.0.1',
  '127.9.9.9',
  '0.0.0.0',
  '169.254.169.254',
  '100.100.100.200',
  '255.255.255.255',
  '239.1.1.1',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '::ffff:a9fe:a9fe',
  '::127.0.0.1',
  'fe80::1',
  'fe80::1%eth0',
  'ff02::1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  'fd00:ec2::254',
  'nonsense',
])('%s is no way out', (address) => expect(isClosed(address)).toBe(true));

test.each(['8.8.8.8', '10.1.2.3', '192.168.250.251', '2606:4700::1111', 'fd12::1', '::ffff:8.8.8.8'])(
  '%s is one',
  (address) => expect(isClosed(address)).toBe(false),
);

test('no way of writing this machine leads to it', async () => {
  const { port, heard } = await canary();
  const egress = new GuardedEgress();
  const hosts = ['127.0.0.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', '0', '[::1]', '[::ffff:127.0.0.1]'];
  for (const host of [...hosts, '[::ffff:7f00:1]', '[::127.0.0.1]', 'localhost', 'LOCALHOST', 'localhost.'])
    await expect(egress.post({ url: `http://${host}:${port}/`, body: {} })).rejects.toThrow(
      /Nothing is sent to|not answer/,
    );
  expect(heard).toEqual([]);
});

test.each([
  ['file:///etc/passwd', 'only http and https are spoken'],
  ['gopher://example.org/', 'only http and https are spoken'],
  ['http://user:secret@example.org/', 'a login may not stand in the URL'],
  ['not a url', 'it is no URL'],
])('%s is refused', async (url, why) => {
  const refused = new GuardedEgress().post({ url, body: {} });
  await expect(refused).rejects.toThrow(why);
  await expect(refused).rejects.not.toThrow(/secret/);
});

test('what the administrator allows is reached, by exactly this host and port', async () => {
  const { port, heard } = await canary({ status: 202 });
  const egress = new GuardedEgress({ allow: [`127.0.0.1:${port}`] });
  expect(await egress.post({ url: `http://127.0.0.1:${port}/hook?x=1`, body: { say: 'hi' } })).toEqual({ status: 202 });
  expect(heard).toEqual([{ path: '/hook?x=1', body: '{"say":"hi"}' }]);
  await expect(egress.post({ url: `http://127.0.0.2:${port}/`, body: {} })).rejects.toThrow('Nothing is sent to');
});

test('a redirect is an answer, not a way', async () => {
  const inner = await canary();
  const outer = await canary({ status: 307, location: `http://127.0.0.1:${inner.port}/` });
  const egress = new GuardedEgress({ allow: [`127.0.0.1:${outer.port}`, `127.0.0.1:${inner.port}`] });
  expect(await egress.post({ url: `http://127.0.0.1:${outer.port}/`, body: {} })).toEqual({ status: 307 });
  expect(inner.heard).toEqual([]);
});

test('an answer without an end and one that never comes are not waited for', async () => {
  const long = await canary({ bytes: 10 * 1024 * 1024 });
  const silent = await canary({ silent: true });
  const egress = new GuardedEgress({ allow: [`127.0.0.1:${long.port}`, `127.0.0.1:${silent.port}`], timeoutMs: 1_000 });
  expect(await egress.post({ url: `http://127.0.0.1:${long.port}/`, body: {} })).toEqual({ status: 200 });
  const waiting = egress.post({ url: `http://127.0.0.1:${silent.port}/token-in-path`, body: {} });
  await expect(waiting).rejects.toThrow(`http://127.0.0.1:${silent.port} did not answer: it took too long.`);
  await expect(egress.post({ url: 'http://8.8.8.8/', body: 'x'.repeat(2 * 1024 * 1024) })).rejects.toThrow('more than');
});
