import { startTestPostgres, type TestPostgres } from '@stackyard/server/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobAnswer } from './api.ts';
import { until, World } from './world.ts';

/** The operator's own PostgreSQL, an older major than the one that the server brings. */
let postgres: TestPostgres;
let world: World | undefined;
beforeAll(async () => {
  postgres = await startTestPostgres('separate');
  world = await World.start({
    stacks: ['examples/mock-stack'],
    hosts: ['h1'],
    databaseUrl: await postgres.createDatabase(),
  });
});
afterAll(async () => {
  await world?.close();
  await postgres?.stop();
});

test('a job that a kill of the server interrupts goes on from the rows in a database of the operator', async () => {
  const { api } = world as World;
  await api.post('/clusters', { name: 'c', hosts: ['h1'] });
  const config = { 'mock.yaml': { startMs: 1500 } };
  const { id } = await api.post<JobAnswer>('/clusters/c/commands', {
    command: 'add',
    services: [{ service: 'mock', components: { worker: ['h1'], follower: ['h1'] }, config }],
  });
  await until('a task runs start', async () =>
    (await api.tasks(id)).some(({ phase, state }) => phase === 'start' && state === 'RUNNING'),
  );
  await world?.killServer();
  await world?.startServer();
  expect((await (world as World).api.wait(id)).state).toBe('SUCCESSFUL');
  expect((await (world as World).api.tasks(id)).every(({ attempts }) => attempts === 1)).toBe(true);
});

test('a second server on the same database is refused with a sentence', async () => {
  await expect((world as World).startSecondServer()).resolves.toMatch(/^✗ Another server works on the database/);
});
