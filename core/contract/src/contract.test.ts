import { readdirSync, readFileSync } from 'node:fs';
import { createKernel, definePlugin, each, token } from '@stackyard/kernel';
import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { ACTIONS, defineRoute, type Principal, RESOURCES, type Route, Routes } from './index.ts';

const words = { tag: 'test', summary: 'A test', description: 'A test.', audit: 'none' } as const;
const admin: Principal = { id: 'p1', name: 'admin', kind: 'token' };
const request = {
  headers: {},
  principal: admin,
  requestId: 'r1',
  signal: AbortSignal.abort(),
  params: { cluster: 'demo' },
  query: { limit: 3 },
  body: undefined,
};

const listHosts = defineRoute({
  ...words,
  method: 'GET',
  url: '/clusters/:cluster/hosts',
  operationId: 'listHosts',
  permission: { action: 'read', resource: 'host' },
  params: z.strictObject({ cluster: z.string() }),
  query: z.strictObject({ limit: z.coerce.number() }),
  clusterOf: async ({ params }) => params.cluster,
  answers: { 200: { description: 'Hosts' } },
  handle: async ({ params, query, body }) => {
    expectTypeOf(params).toEqualTypeOf<{ cluster: string }>();
    expectTypeOf(query).toEqualTypeOf<{ limit: number }>();
    expectTypeOf(body).toEqualTypeOf<undefined>();
    return { body: `${params.cluster} ${query.limit}` };
  },
});

test('a handler gets what its schemas say', async () => {
  expect(await listHosts.handle(request as never)).toEqual({ body: 'demo 3' });
  expect(await listHosts.clusterOf?.(request as never)).toBe('demo');
});

test('a permission names only known actions and resources', () => {
  const route = { ...words, method: 'GET', url: '/', operationId: 'x', answers: {}, handle: async () => ({}) } as const;
  // @ts-expect-error there is no action "look"
  defineRoute({ ...route, permission: { action: 'look', resource: 'host' } });
  // @ts-expect-error there is no resource "machine"
  defineRoute({ ...route, permission: { action: 'read', resource: 'machine' } });
  // @ts-expect-error a route without a permission does not exist
  defineRoute(route);
  expect([ACTIONS, RESOURCES].map((words) => new Set(words).size)).toEqual([ACTIONS.length, RESOURCES.length]);
});

test('the server finds the routes of every plugin', async () => {
  const Found = token<Route[]>('test.Found');
  const found: Route[] = [];
  const plugin = definePlugin({
    id: 'hosts',
    register: (own) => own.contribute(Routes, { value: { routes: [listHosts] } }),
  });
  const server = definePlugin({
    id: 'test.server',
    needs: [each(Routes)],
    register: (own) => own.value(Found, found),
    start: (own) => void found.push(...own.resolve(each(Routes)).flatMap(({ routes }) => routes)),
  });
  const kernel = await createKernel().load(plugin, server).start();
  expect(kernel.resolve(Found).map(({ operationId }) => operationId)).toEqual(['listHosts']);
  await kernel.stop();
});

test('the README names every file', () => {
  const readme = readFileSync('README.md', 'utf8');
  const files = readdirSync('src').filter((file) => !/test|index/.test(file));
  expect(files.filter((file) => !readme.includes(`\`${file}\``))).toEqual([]);
});
