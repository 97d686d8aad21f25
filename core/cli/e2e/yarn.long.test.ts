import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { processesIn, signal, until, World } from './world.ts';
import { smallYarn, Yarn } from './yarnWorld.ts';

/** Two ResourceManagers that agree by a real ZooKeeper, and what operators do while jobs run. */
let world: World;
let yarn: Yarn;
const hosts = ['h1', 'h2', 'h3'];
const nodes = ['h2', 'h3'];
const daemons = 5;

beforeAll(async () => {
  world = await World.start({ stacks: ['stacks/zookeeper', 'stacks/hadoop'], hosts });
  yarn = new Yarn(world, 'c');
  await world.api.post('/clusters', { name: 'c', hosts });
  const config = { 'yarn-site.xml': { ...smallYarn['yarn-site.xml'], drainSeconds: 300, zookeeperTimeout: 6000 } };
  const components = { resourcemanager: ['h1', 'h2'], nodemanager: nodes, historyserver: ['h3'], yarn_client: ['h1'] };
  await yarn.succeed({
    command: 'add',
    services: [
      {
        service: 'zookeeper',
        components: { zookeeper_server: ['h3'], zookeeper_client: [] },
        config: { 'zoo.cfg': { tickTime: 500 }, 'zookeeper-env': { heap: 64 } },
      },
      { service: 'hdfs', components: { namenode: ['h1'], datanode: ['h3'], hdfs_client: [] }, profile: 'small' },
      { service: 'yarn', components, profile: 'small', config },
    ],
  });
});
afterAll(async () => {
  await world?.close();
});

async function roles(): Promise<Record<string, string | null>> {
  const managers = await world.api.components('c', '&component=resourcemanager');
  return Object.fromEntries(managers.map(({ host, role }) => [host, role]));
}

/** The host of the active ResourceManager, once there is one beside one that stands by. */
async function untilPaired(): Promise<{ active: string; standby: string }> {
  let now: Record<string, string | null> = {};
  await until('one ResourceManager is active and the other one stands by', async () => {
    now = await roles();
    return ['ACTIVE', 'STANDBY'].every((role) => Object.values(now).includes(role));
  });
  const [active, standby] = ['h1', 'h2'].toSorted((a, b) => (now[a] ?? '').localeCompare(now[b] ?? ''));
  return { active: active!, standby: standby! };
}

/** A job that computes for a while; a small one ends before anybody could do something to it. */
const job = (...more: readonly string[]) => {
  const running = yarn.submit('h1', 'example', 'pi', ...more, '4', '60000000');
  running.catch(() => undefined);
  return running;
};
const PI = 'Estimated value of Pi is 3.1415';

/** Processes of containers below a host's root. */
async function containersOf(host: string): Promise<number[]> {
  const below = `${world.host(host).root}/var/lib/hadoop-yarn/local/`;
  return (await processesIn(below)).filter((pid) => textOf(`/proc/${pid}/cmdline`).includes('container_'));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** The keeper, of a component's process. */
function parentOf(pid: number): number {
  return Number(/^PPid:\t(\d+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1]);
}

test('when the active ResourceManager is killed the other one takes over, and the job goes on', async () => {
  const { active, standby } = await untilPaired();
  const running = job();
  const { id } = await yarn.untilRuns(active, 2);
  const before = await yarn.component('resourcemanager', active);
  const keeper = parentOf(before.pid ?? 0);
  // ZooKeeper waits for the session of the killed one to end; one that is back by then may win again.
  signal(keeper, 'SIGSTOP');
  try {
    await yarn.crash('resourcemanager', active);
    await until(`${standby} is active`, async () => (await roles())[standby] === 'ACTIVE');
  } finally {
    signal(keeper, 'SIGCONT');
  }
  expect(await running).toContain(PI);
  expect((await yarn.applications(standby)).find((each) => each.id === id)).toMatchObject({ finalStatus: 'SUCCEEDED' });
  await yarn.untilBack(before);
  expect(await untilPaired()).toEqual({ active: standby, standby: active });
});

test('an operator lets the other one take over by an action', async () => {
  const { active, standby } = await untilPaired();
  const target = { service: 'yarn', component: 'resourcemanager', hosts: [active] };
  expect(await yarn.action('failover', {}, { target, agree: true })).toEqual({ from: active, to: standby });
  expect(await untilPaired()).toEqual({ active: standby, standby: active });
});

test('a new queue takes jobs without a restart of anything', async () => {
  const pids = async () => (await world.api.components('c', '&service=yarn')).map(({ host, pid }) => `${host} ${pid}`);
  const before = await pids();
  await yarn.succeeded(await yarn.configure('capacity-scheduler.xml', { queues: { default: 60, etl: 40 } }));
  expect(await pids()).toEqual(before);
  expect(await yarn.action('queues')).toMatchObject([
    { queueName: 'default', capacity: 60 },
    { queueName: 'etl', capacity: 40 },
  ]);
  expect(await yarn.submit('h1', 'example', 'pi', '-Dmapreduce.job.queuename=etl', '1', '10')).toContain('Pi is 3.');
  const { active } = await untilPaired();
  expect((await yarn.applications(active)).map(({ queue }) => queue)).toContain('root.etl');
});

test('shares that are not the whole fail with what is wrong, and the ones before stay in force', async () => {
  const failed = await yarn.configure('capacity-scheduler.xml', { queues: { default: 60, etl: 30 } });
  expect(failed.state).toBe('FAILED');
  expect(await world.api.story(failed.id)).toContain('Shares of queues are 90 % together, and have to be 100 %');
  expect(await yarn.action('queues')).toMatchObject([{ capacity: 60 }, { capacity: 40 }]);
  await yarn.succeeded(await yarn.configure('capacity-scheduler.xml', { queues: { default: 60, etl: 40 } }));
});

test('an application is found and killed by actions', async () => {
  const running = job();
  const { active } = await untilPaired();
  const { id } = await yarn.untilRuns(active, 2);
  expect(await yarn.action('applications')).toMatchObject([{ id, state: 'RUNNING' }]);
  expect(await yarn.action('kill', { application: id }, { agree: true })).toEqual({ application: id, state: 'KILLED' });
  await expect(running).rejects.toThrow(/KILLED|killed/);
});

test('a node is decommissioned under a running job, which ends well, and is taken in again', async () => {
  const running = job();
  const { active } = await untilPaired();
  await yarn.untilRuns(active, 3);
  const target = { service: 'yarn', component: 'nodemanager', hosts: ['h3'] };
  const { id } = await yarn.succeed({ command: 'decommission', target });
  const drain = (await world.api.tasks(id)).find(({ phase }) => phase === 'decommission');
  expect(await world.api.log(drain!.id)).toMatch(/h3 has no container any more/);
  const states = async () => {
    const { nodes: found } = await yarn.rest<{ nodes: { node: { id: string; state: string }[] } }>(active, '/nodes');
    return Object.fromEntries(found.node.map((each) => [each.id, each.state]));
  };
  const idOf = (host: string) => `${world.host(host).address}:8041`;
  expect(await states()).toEqual({ [idOf('h2')]: 'RUNNING', [idOf('h3')]: 'DECOMMISSIONED' });
  expect(await running).toContain(PI);
  await yarn.succeed({ command: 'recommission', target });
  expect((await states())[idOf('h3')]).toBe('RUNNING');
  await yarn.untilHealthy(daemons);
});

test('containers end with a NodeManager that is killed, and the job is finished by others', async () => {
  const running = job();
  const { active } = await untilPaired();
  await yarn.untilRuns(active, 3);
  await until('h3 has a container', async () => (await containersOf('h3')).length > 0);
  const orphans = await containersOf('h3');
  const before = await yarn.crash('nodemanager', 'h3');
  await yarn.untilBack(before);
  const alive = await containersOf('h3');
  expect(orphans.filter((pid) => alive.includes(pid))).toEqual([]);
  expect(await running).toContain(PI);
});

test('a NodeManager that has run jobs stops by itself within its time', async () => {
  const { id } = await yarn.succeed({ command: 'stop', target: { service: 'yarn', component: 'nodemanager' } });
  const stops = (await world.api.tasks(id)).filter(({ phase }) => phase === 'stop');
  const logs = await Promise.all(stops.map((task) => world.api.log(task.id)));
  expect(logs).toHaveLength(2);
  expect(logs.join('\n')).not.toMatch(/kill/i);
  await yarn.succeed({ command: 'start', target: { service: 'yarn' } });
  await yarn.succeed({ command: 'check', target: { service: 'yarn' } });
});
