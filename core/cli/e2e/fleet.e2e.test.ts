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
    executor: { duration: { kind: 'fixed', ms: 5 } },
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

test('the command brings hosts in that work, print and fail as told, and forgets them when it ends', async () => {
  const few = Array.from({ length: 5 }, (_, index) => `few-${index + 1}`);
  const told = ['--durations', 'start=50..100ms,5ms', '--failures', 'check=1/1', '--lines', '3'];
  const command = world.runCommand(['fleet', '--agents', '5', '--prefix', 'few-', ...told, '--remove', '--json']);
  await until('they are reached', async () => {
    const { items } = await world.api.get<{ items: { name: string; reachable: boolean }[] }>('/hosts?limit=500');
    return items.filter(({ name, reachable }) => few.includes(name) && reachable).length === few.length;
  });
  await world.api.post('/clusters', { name: 'few', hosts: few });
  const { id, state } = await world.api.run('few', {
    command: 'add',
    services: [{ service: 'mock', components: { worker: few, follower: [] } }],
  });
  expect(state).toBe('FAILED');
  const tasks = await world.api.tasks(id);
  expect(new Set(tasks.map((task) => `${task.phase} ${task.state} ${task.reason}`))).toEqual(
    new Set([
      'install SUCCESSFUL null',
      'configure SUCCESSFUL null',
      'init SUCCESSFUL null',
      'start SUCCESSFUL null',
      'prepare SUCCESSFUL null',
      'check FAILED EXIT_NONZERO',
    ]),
  );
  const [start] = tasks.filter(({ phase }) => phase === 'start');
  expect(await world.api.log(start?.id ?? '')).toBe(
    [1, 2, 3].map((line) => `start ${line} of 3 of worker on ${start?.host}\n`).join(''),
  );
  const { code, output } = await command.interrupt();
  expect(code).toBe(0);
  expect(JSON.parse(output)).toMatchObject({
    agents: 5,
    started: tasks.length,
    succeeded: tasks.length - few.length,
    failed: few.length,
  });
  const { items } = await world.api.get<{ items: { name: string }[] }>('/hosts?limit=500');
  expect(items.filter(({ name }) => few.includes(name))).toEqual([]);
});
