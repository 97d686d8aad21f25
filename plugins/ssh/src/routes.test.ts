import { HostJoining, Records, type Route, Routes } from '@stackyard/contract';
import { createKernel, createLogger, definePlugin, each, Logger, token } from '@stackyard/kernel';
import { expect, test } from 'vitest';
import { Login } from './credentials.ts';
import ssh from './index.ts';
import { MemoryRecords, TestJoining } from './testing.ts';

const Found = token<Route[]>('test.Found');

async function routes(): Promise<Route[]> {
  const found: Route[] = [];
  const server = definePlugin({
    id: 'test.server',
    needs: [each(Routes)],
    register: (plugin) => plugin.value(Found, found),
    start: (plugin) => void found.push(...plugin.resolve(each(Routes)).flatMap((more) => more.routes)),
  });
  const kernel = await createKernel()
    .value(Logger, createLogger({ level: 'silent' }))
    .value(HostJoining, new TestJoining('/nowhere'))
    .value(Records, new MemoryRecords())
    .load(ssh, server)
    .start();
  await kernel.stop();
  return found;
}

test('every operation says who may and what the audit trail says; those with credentials keep no digest of a body', async () => {
  const table = (await routes()).map(({ method, url, permission: { action, resource }, audit, idempotent }) =>
    [method, url, `${action} ${resource}`, audit, idempotent ?? false].join(' '),
  );
  expect(table).toEqual([
    'POST /bootstraps/probe create host host.probe false',
    'POST /bootstraps create host host.bootstrap false',
    'POST /bootstraps/:bootstrap/retry create host host.bootstrap false',
    'GET /bootstraps read host none false',
    'GET /bootstraps/:bootstrap read host none false',
    'GET /bootstraps/:bootstrap/events read host none false',
    'GET /ssh-host-keys/:address read host none false',
    'DELETE /ssh-host-keys/:address change host host.forgetKey false',
  ]);
});

test.each([
  ['a user that is an option', { user: '-oProxyCommand=x' }],
  ['a user with a command', { user: 'root;reboot' }],
  ['no way to log in', { method: undefined }],
  ['a socket of the caller’s choice', { method: { kind: 'agent', socket: '/run/docker.sock' } }],
  ['an empty password', { method: { kind: 'password', password: '' } }],
  ['something nobody reads', { more: 1 }],
])('a login with %s is refused without a word of its secrets', (_, wrong) => {
  const login = { user: 'root', method: { kind: 'password', password: 'canary-secret' }, ...wrong };
  const { success, error } = Login.safeParse(login);
  expect(success).toBe(false);
  expect(JSON.stringify(error?.issues)).not.toContain('canary-secret');
});
