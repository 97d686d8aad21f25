import { existsSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ComponentAnswer, JobAnswer } from './api.ts';
import { processesIn, signal, until, World } from './world.ts';
import { ZookeeperClient } from './zookeeperClient.ts';

/** One real ensemble, taken through its life; each test goes on where the one before ended. */
let world: World;
const cluster = 'demo';
const hosts = ['zk1', 'zk2', 'zk3'];
const quick = { 'zoo.cfg': { tickTime: 500 }, 'zookeeper-env': { heap: 64 } };

beforeAll(async () => {
  world = await World.start({ stacks: ['stacks/zookeeper'], hosts });
});
afterAll(async () => {
  await world?.close();
});

async function members(): Promise<ComponentAnswer[]> {
  return world.api.components(cluster, '&component=zookeeper_server');
}

async function member(host: string): Promise<ComponentAnswer> {
  const found = (await members()).find((each) => each.host === host);
  if (!found) throw new Error(`No member is on ${host}.`);
  return found;
}

async function healthy(count: number): Promise<void> {
  await until(`${count} members are RUNNING with one leader`, async () => {
    const all = await members();
    const running = all.filter(({ observed }) => observed === 'RUNNING');
    return running.length === count && running.filter(({ role }) => role === 'leader').length === 1;
  });
}

async function succeed(job: JobAnswer): Promise<void> {
  if (job.state !== 'SUCCESSFUL') throw new Error(`${job.title} is ${job.state}.\n${await world.api.story(job.id)}`);
}

function clientPort(host: string): string {
  return `${world.host(host).address}:2181`;
}

async function myid(host: string): Promise<string> {
  return (await readFile(join(world.host(host).root, 'var/lib/zookeeper/myid'), 'utf8')).trim();
}

test('installing on three hosts ends with a healthy ensemble', async () => {
  await world.api.post('/clusters', { name: cluster, hosts });
  const job = await world.api.run(cluster, {
    command: 'add',
    services: [{ service: 'zookeeper', components: { zookeeper_server: hosts, zookeeper_client: [] }, config: quick }],
  });
  await succeed(job);
  await healthy(3);
  const exports = await world.api.get<{ zookeeper: { connect: string } }>(`/clusters/${cluster}/exports`);
  expect(exports.zookeeper.connect).toBe(hosts.map(clientPort).join(','));
});

test('a znode written through one member is read through another', async () => {
  const client = await ZookeeperClient.below(world.host('zk1').root);
  await client.create(clientPort('zk1'), '/greeting', 'hello');
  expect(await client.read(clientPort('zk3'), '/greeting')).toBe('hello');
});

test('every member offers Prometheus metrics', async () => {
  const answer = await fetch(`http://${world.host('zk2').address}:7000/metrics`);
  expect(await answer.text()).toContain('znode_count');
});

test('a stopped member is seen as stopped while the ensemble goes on serving', async () => {
  const { role } = await member('zk2');
  await succeed(await world.api.run(cluster, { command: 'stop', target: { service: 'zookeeper', hosts: ['zk2'] } }));
  await until('zk2 is seen as STOPPED', async () => (await member('zk2')).observed === 'STOPPED');
  const client = await ZookeeperClient.below(world.host('zk1').root);
  const [one, other] = ['zk1', 'zk3'] as const;
  await client.create(clientPort(one), '/while-one-is-down', String(role));
  expect(await client.read(clientPort(other), '/while-one-is-down')).toBe(String(role));
  await succeed(await world.api.run(cluster, { command: 'start', target: { service: 'zookeeper', hosts: ['zk2'] } }));
  await healthy(3);
});

test('a killed member is started again by its keeper', async () => {
  const before = await member('zk3');
  signal(before.pid ?? 0, 'SIGKILL');
  await until('zk3 runs again as another process', async () => {
    const now = await member('zk3');
    return now.observed === 'RUNNING' && now.pid !== before.pid && now.restarts > before.restarts;
  });
  await healthy(3);
});

test('a plan shows the rendered diff and the restarts, executing it restarts only those', async () => {
  const pidsBefore = new Map((await members()).map(({ host, pid }) => [host, pid]));
  const config = { ...quick, 'zoo.cfg': { ...quick['zoo.cfg'], maxClientCnxns: 77 } };
  const path = `/clusters/${cluster}/services/zookeeper/config`;
  const etag = await world.api.etag(path);
  // Only zk2 gets another value: only zk2 may be restarted.
  const saved = await world.api.put<{ version: number }>(
    path,
    { values: quick, overrides: { zk2: { 'zoo.cfg': { maxClientCnxns: 77 } } } },
    { 'if-match': etag },
  );
  expect(saved.version).toBe(2);
  expect((await members()).filter(({ stale }) => stale).map(({ host }) => host)).toEqual(['zk2']);
  const command = { command: 'configure', target: { service: 'zookeeper' } };
  const stored = await world.api.post<{
    id: string;
    plan: { files: { host: string; path: string; diff: string }[]; restarts: { host: string }[] };
  }>(`/clusters/${cluster}/plans`, command);
  expect(stored.plan.files.map(({ host }) => host)).toEqual(['zk2']);
  expect(stored.plan.files[0]?.diff).toContain('-maxClientCnxns=60\n+maxClientCnxns=77');
  expect(stored.plan.restarts.map(({ host }) => host)).toEqual(['zk2']);
  const { id } = await world.api.post<JobAnswer>(`/plans/${stored.id}/execute`, {});
  await succeed(await world.api.wait(id));
  await healthy(3);
  const pidsAfter = new Map((await members()).map(({ host, pid }) => [host, pid]));
  expect(hosts.filter((host) => pidsAfter.get(host) !== pidsBefore.get(host))).toEqual(['zk2']);
  expect((await members()).some(({ stale }) => stale)).toBe(false);
  expect(config['zoo.cfg'].maxClientCnxns).toBe(77);
});

test('a new host changes no myid', async () => {
  await world.addHost('a-sorts-first');
  const before = await Promise.all(hosts.map(myid));
  await succeed(
    await world.api.run(cluster, {
      command: 'add',
      services: [{ service: 'zookeeper', components: { zookeeper_server: ['a-sorts-first'] } }],
    }),
  );
  await healthy(4);
  expect(await Promise.all(hosts.map(myid))).toEqual(before);
  expect(await myid('a-sorts-first')).toBe('4');
});

test('a failing task cancels what waits for it, and a retry runs only what had not succeeded', async () => {
  await succeed(await world.api.run(cluster, { command: 'stop', target: { service: 'zookeeper' } }));
  // Somebody else listens on the client port of zk2, so the member cannot start.
  const intruder = createServer().listen(2181, world.host('zk2').address);
  const failed = await world.api.run(cluster, { command: 'start', target: { service: 'zookeeper' } });
  await new Promise((resolve) => intruder.close(resolve));
  expect(failed.state).toBe('FAILED');
  const first = await world.api.tasks(failed.id);
  expect(first.filter(({ state }) => state === 'FAILED').map(({ phase, host }) => `${phase} ${host}`)).toEqual([
    'start zk2',
  ]);
  expect(
    first
      .filter(({ phase }) => phase === 'check')
      .every(({ state, reason }) => state === 'CANCELED' && reason === 'DEPENDENCY_FAILED'),
  ).toBe(true);
  await world.api.post(`/jobs/${failed.id}/retry`);
  await succeed(await world.api.wait(failed.id));
  const second = await world.api.tasks(failed.id);
  const attempts = (phase: string, host: string) =>
    second.find((task) => task.phase === phase && task.host === host)?.attempts;
  expect(attempts('start', 'zk1')).toBe(1);
  expect(attempts('start', 'zk2')).toBe(2);
  expect(attempts('check', 'zk1')).toBe(2);
  await healthy(4);
});

test('a host that will not come back is removed, and the rest forms a smaller ensemble', async () => {
  await world.killAgent('a-sorts-first');
  for (const pid of await processesIn(world.host('a-sorts-first').root)) signal(pid, 'SIGKILL');
  await until(
    'the host is known to be unreachable',
    async () => !(await world.api.get<{ reachable: boolean }>('/hosts/a-sorts-first')).reachable,
    120_000,
  );
  await succeed(
    await world.api.run(cluster, { command: 'remove', target: { hosts: ['a-sorts-first'] }, data: 'keep', lost: true }),
  );
  await world.api.delete('/hosts/a-sorts-first');
  await healthy(3);
});

test('removing the service leaves nothing on any host but its data', async () => {
  await succeed(await world.api.run(cluster, { command: 'remove', target: { service: 'zookeeper' }, data: 'keep' }));
  for (const host of hosts) {
    const { root } = world.host(host);
    expect(await left(root)).toEqual(['var/lib/zookeeper']);
    expect(await javaProcesses(root)).toEqual([]);
  }
  await expect(world.api.get(`/clusters/${cluster}/services/zookeeper`)).rejects.toThrow('NOT_FOUND');
});

test('removing it with its data leaves nothing at all, and the empty cluster can be deleted', async () => {
  await succeed(
    await world.api.run(cluster, {
      command: 'add',
      services: [{ service: 'zookeeper', components: { zookeeper_server: ['zk1'] }, config: quick }],
    }),
  );
  await healthy1();
  await succeed(await world.api.run(cluster, { command: 'remove', target: { service: 'zookeeper' }, data: 'delete' }));
  expect(await left(world.host('zk1').root)).toEqual([]);
  await world.api.delete(`/clusters/${cluster}`);
  await expect(world.api.get(`/clusters/${cluster}`)).rejects.toThrow('NOT_FOUND');
});

async function healthy1(): Promise<void> {
  await until('the only member is RUNNING', async () => (await members())[0]?.observed === 'RUNNING');
}

/** Files and directories of services below a host's root; the agent's own are not counted. */
async function left(root: string): Promise<string[]> {
  const places = [
    'etc',
    'opt',
    'var/lib',
    'var/log',
    'var/lib/stackyard/components',
    'etc/stackyard',
    'opt/stackyard',
    'var/log/stackyard',
  ];
  const own = new Set([
    'etc/stackyard',
    'opt/stackyard',
    'var/lib/stackyard',
    'var/lib/stackyard/components',
    'var/log/stackyard',
    'var/log/stackyard/agent.log',
    'var/log/stackyard/attempts',
  ]);
  const found: string[] = [];
  for (const place of places) {
    if (!existsSync(join(root, place))) continue;
    for (const name of await readdir(join(root, place))) {
      const path = `${place}/${name}`;
      if (!own.has(path) && !path.startsWith('var/log/stackyard/agent')) found.push(path);
    }
  }
  return found;
}

async function javaProcesses(root: string): Promise<number[]> {
  const all = await processesIn(root);
  const programs = await Promise.all(
    all.map(async (pid) => ({ pid, exe: await readlink(`/proc/${pid}/exe`).catch(() => '') })),
  );
  return programs.filter(({ exe }) => exe.endsWith('/java')).map(({ pid }) => pid);
}
