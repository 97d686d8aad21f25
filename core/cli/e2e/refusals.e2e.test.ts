import { afterAll, beforeAll, expect, test } from 'vitest';
import { ProblemAnswer } from './api.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start({
    stacks: ['stacks/zookeeper', 'core/cli/e2e/fixtures/ring-a', 'core/cli/e2e/fixtures/ring-b'],
    hosts: ['h1', 'h2'],
  });
  await world.api.post('/clusters', { name: 'one', hosts: ['h1'] });
  await world.api.post('/clusters', { name: 'other', hosts: ['h2'] });
});
afterAll(async () => {
  await world?.close();
});

async function problemOf(send: Promise<unknown>): Promise<ProblemAnswer> {
  return send.then(
    () => Promise.reject(new Error('It was accepted.')),
    (error: unknown) => (error instanceof ProblemAnswer ? error : Promise.reject(error as Error)),
  );
}

function add(more: object): Promise<unknown> {
  return world.api.post('/clusters/one/commands', { command: 'add', services: [{ service: 'zookeeper', ...more }] });
}

test('an unknown service is refused with what there is', async () => {
  const { status, problem } = await problemOf(
    world.api.post('/clusters/one/commands', { command: 'add', services: [{ service: 'zookeper' }] }),
  );
  expect(status).toBe(422);
  expect(problem.code).toBe('PLAN_REFUSED');
  expect(problem.errors?.[0]).toMatchObject({ pointer: '/services/0/service' });
  expect(problem.detail).toContain('zookeeper');
});

test('an unknown stack is refused', async () => {
  const { problem } = await problemOf(add({ stack: '@stack/zoo' }));
  expect(problem.errors?.[0]?.pointer).toBe('/services/0/stack');
});

test('a config value out of range is refused with its bounds', async () => {
  const { status, problem } = await problemOf(
    add({ components: { zookeeper_server: ['h1'] }, config: { 'zoo.cfg': { tickTime: 1 } } }),
  );
  expect(status).toBe(422);
  expect(problem.errors?.[0]).toMatchObject({ pointer: '/services/0/config/zoo.cfg/tickTime' });
  expect(problem.errors?.[0]?.message).toContain('100');
});

test('a host of another cluster is refused', async () => {
  const { problem } = await problemOf(add({ components: { zookeeper_server: ['h2'] } }));
  expect(problem.errors?.[0]?.pointer).toBe('/services/0/components/zookeeper_server/0');
  expect(problem.errors?.[0]?.message).toContain('other');
});

test('a broken cardinality is refused', async () => {
  const { problem } = await problemOf(add({ components: { zookeeper_server: [] } }));
  expect(problem.errors?.[0]?.pointer).toBe('/services/0/components/zookeeper_server');
});

test('services that wait for each other are refused with the ring they form', async () => {
  const services = ['ringa', 'ringb'].map((service) => ({
    service,
    components: { [service.replace('ring', 'ring_')]: ['h1'] },
  }));
  const { status, problem } = await problemOf(world.api.post('/clusters/one/commands', { command: 'add', services }));
  expect(status).toBe(422);
  expect(problem.detail).toMatch(/ringa.* → .*ringb.* → .*ringa|ringb.* → .*ringa.* → .*ringb/);
});

test('all problems are told at once', async () => {
  const { problem } = await problemOf(
    add({ components: { zookeeper_server: ['h2', 'h9'] }, config: { 'zoo.cfg': { tickTime: 1, nonsense: 2 } } }),
  );
  expect(problem.errors?.length).toBeGreaterThanOrEqual(4);
});

test('a change of a service that is not there is not found', async () => {
  const change = world.api.put('/clusters/one/services/none/config', { values: {} }, { 'if-match': '"config-1"' });
  expect((await problemOf(change)).status).toBe(404);
});
