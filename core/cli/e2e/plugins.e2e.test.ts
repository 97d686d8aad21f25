import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until, World } from './world.ts';

/** The contract test of the example plugin: a real server loads it from its folder, and it does what it promises. */
const folder = fileURLToPath(new URL('../../../examples/webhook-plugin', import.meta.url));
const heard: { readonly title: string; readonly state: string }[] = [];
let hook: Server;
let world: World;

beforeAll(async () => {
  hook = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      heard.push(JSON.parse(body) as (typeof heard)[number]);
      response.writeHead(204).end();
    });
  });
  hook.listen(0, '127.0.0.1');
  await once(hook, 'listening');
  const place = `127.0.0.1:${(hook.address() as AddressInfo).port}`;
  world = await World.start({
    stacks: ['examples/mock-stack'],
    hosts: ['h1'],
    serverArgs: ['--plugin', '@stackyard/plugin-prometheus', '--plugin', folder],
    env: { STACKYARD_WEBHOOK_URL: `http://${place}/hook`, STACKYARD_SERVER_EGRESS_ALLOW: place },
  });
  await world.api.post('/clusters', { name: 'c', hosts: ['h1'] });
}, 180_000);

afterAll(async () => {
  await world?.close();
  hook?.closeAllConnections();
  hook?.close();
});

test('the plugin is listed with what it adds', async () => {
  const { items } = await world.api.get<{ items: object[] }>('/plugins');
  expect(items).toContainEqual({
    id: 'webhook',
    package: 'stackyard-plugin-webhook',
    version: '0.1.0',
    folder,
    needs: ['contract.Events', 'contract.Records', 'contract.Egress', 'kernel.Logger'],
    provides: ['webhook.Options', 'webhook.Notifier'],
    contributes: ['contract.Routes'],
    operations: ['GET /api/v1/webhook', 'POST /api/v1/webhook/test'],
  });
  const { code, output } = await world.command(['plugin', 'list']);
  expect(code).toBe(0);
  expect(output).toMatch(/prometheus +@stackyard\/plugin-prometheus +0\.1\.0 +5 operations/);
  expect(output).toMatch(
    /webhook +stackyard-plugin-webhook +0\.1\.0 +2 operations, webhook\.Options, webhook\.Notifier/,
  );
});

test('its operations are described with their permissions, and ask for a token', async () => {
  interface Described {
    readonly paths: Record<string, Record<string, { operationId: string; description: string }>>;
  }
  const { paths } = await world.api.get<Described>('/docs/json');
  expect(paths['/api/v1/webhook']?.['get']?.description).toContain('Permission: read server.');
  expect(paths['/api/v1/webhook/test']?.['post']?.description).toContain('Permission: operate server.');
  expect((await fetch(`${world.api.url}/api/v1/webhook`)).status).toBe(401);
});

test('a job that fails is told, once, and a test message when asked', async () => {
  expect(await world.api.post('/webhook/test')).toEqual({ status: 204 });
  const services = [{ service: 'mock', components: { worker: ['h1'] }, config: { 'mock.yaml': { fail: ['start'] } } }];
  const { state, title } = await world.api.run('c', { command: 'add', services });
  expect(state).toBe('FAILED');
  await until('the failure is told', async () => heard.length > 1);
  expect(heard.map((message) => [message.state, message.title])).toEqual([
    ['TEST', 'A test'],
    ['FAILED', title],
  ]);
  expect(await world.api.get('/webhook')).toMatchObject({ delivered: 1, givenUp: 0 });
});

test('the server ends in peace with it, and starts without it when told so', async () => {
  const { server } = world;
  await world.stopServer();
  expect(server?.exitCode).toBe(0);
  world.serverArgs = ['--plugin', '@stackyard/plugin-prometheus', '--plugin', folder, '--without-plugin', 'webhook'];
  await world.startServer();
  expect((await world.api.get<{ items: { id: string }[] }>('/plugins')).items.map(({ id }) => id)).toEqual([
    'prometheus',
  ]);
  await expect(world.api.get('/webhook')).rejects.toThrow('404');
});
