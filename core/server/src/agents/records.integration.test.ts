import { HostJoining, Records } from '@stackyard/contract';
import { definePlugin } from '@stackyard/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServerWorld } from '../api/testing/world.ts';
import { startTestPostgres, type TestPostgres } from '../postgres/testing.ts';

let postgres: TestPostgres;
let world: ServerWorld;
let records: Records;
let joining: HostJoining;
beforeAll(async () => {
  postgres = await startTestPostgres('separate');
  const plugin = definePlugin({
    id: 'test',
    needs: [Records, HostJoining],
    start(own) {
      records = own.resolve(Records);
      joining = own.resolve(HostJoining);
    },
  });
  world = await ServerWorld.start(await postgres.createDatabase(), { plugins: [plugin] });
});
afterAll(async () => {
  await world?.close();
  await postgres?.stop();
});

test('a plugin keeps documents that are there after a restart, apart from those of others', async () => {
  await records.put('test.a', 'k1', { n: 1 });
  await records.put('test.a', 'k1', { n: 2 });
  await records.put('test.a', 'k2', { n: 3 });
  await records.put('test.b', 'k1', { n: 4 });
  await world.server.stop();
  await world.serve();
  expect(await records.get('test.a', 'k1')).toEqual({ n: 2 });
  expect(await records.list('test.a', { limit: 10 })).toEqual([
    { key: 'k2', value: { n: 3 } },
    { key: 'k1', value: { n: 2 } },
  ]);
  expect(await records.list('test.a', { limit: 10, before: 'k2' })).toHaveLength(1);
  expect(await records.delete('test.a', 'k1')).toBe(true);
  expect(await records.delete('test.a', 'k1')).toBe(false);
  expect(await records.get('test.b', 'k1')).toEqual({ n: 4 });
});

test('a plugin can bring a host in: a token, the terms, and whether it has come', async () => {
  const token = await joining.issueToken({ name: 'new1', issuedBy: 'admin' });
  expect(token).toMatch(/^syj_[\w-]{43}$/);
  const { server, enrol, authority, authoritySha256 } = joining.terms();
  expect([server, enrol]).toEqual([world.server.agentEndpoint, world.server.enrolmentEndpoint]);
  expect(authority.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
  expect(authoritySha256).toBe(world.server.authoritySha256);
  expect(await joining.isReachable('new1')).toBe(false);
  await expect(joining.bundle('x64')).rejects.toMatchObject({ code: 'BUNDLE_UNAVAILABLE' });
});
