import { startFleet, type Fleet } from '@stackyard/fleet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type JoinTicket, until, World } from './world.ts';

/** A hundred simulated agents that speak the real protocol with the real server. */
const size = 100;
const names = Array.from({ length: size }, (_, index) => `sim-${index + 1}`);
let world: World;
let fleet: Fleet | undefined;
beforeAll(async () => {
  world = await World.start({ stacks: ['examples/mock-stack'], hosts: [] });
  const tickets: JoinTicket[] = [];
  for (const hostName of names) tickets.push(await world.api.post<JoinTicket>('/hosts/tokens', { hostName }));
  const [{ enrolment: endpoint, authoritySha256: caSha256 }] = tickets as [JoinTicket];
  fleet = await startFleet({
    enrolment: { endpoint, caSha256 },
    agents: size,
    join: tickets.map(({ token }) => token),
    executor: { durationMs: 5 },
  });
  await fleet.untilConnected();
  await until('the server reaches all of them', async () => {
    const { items } = await world.api.get<{ items: { reachable: boolean }[] }>('/hosts?limit=500');
    return items.filter(({ reachable }) => reachable).length === size;
  });
  await world.api.post('/clusters', { name: 'many', hosts: names });
});
afterAll(async () => {
  await fleet?.stop();
  await world?.close();
});

test('a command for a hundred hosts runs every phase on each of them once', async () => {
  const job = await world.api.run('many', {
    command: 'add',
    services: [{ service: 'mock', components: { worker: names, follower: [] } }],
  });
  if (job.state !== 'SUCCESSFUL') throw new Error(await world.api.story(job.id));
  const tasks = await world.api.tasks(job.id);
  expect(tasks.every(({ attempts, state }) => attempts === 1 && state === 'SUCCESSFUL')).toBe(true);
  expect(new Set(tasks.map(({ host, phase }) => `${host} ${phase}`)).size).toBe(tasks.length);
});

test('after a kill of the server all agents come back by themselves', async () => {
  await world.killServer();
  await world.startServer();
  await fleet?.untilConnected();
  const job = await world.api.run('many', { command: 'check', target: { service: 'mock' } });
  expect(job).toMatchObject({ state: 'SUCCESSFUL' });
  expect(job.counts['SUCCESSFUL']).toBe(size);
});
