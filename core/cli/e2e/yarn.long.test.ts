import { afterAll, beforeAll, expect, test } from 'vitest';
import { until, World } from './world.ts';
import { smallYarn, Yarn } from './yarnWorld.ts';

/** Two ResourceManagers that agree by a real ZooKeeper. */
let world: World;
let yarn: Yarn;
const hosts = ['h1', 'h2', 'h3'];
const nodes = ['h2', 'h3'];

beforeAll(async () => {
  world = await World.start({ stacks: ['stacks/zookeeper', 'stacks/hadoop'], hosts });
  yarn = new Yarn(world, 'c');
  await world.api.post('/clusters', { name: 'c', hosts });
  const config = { 'yarn-site.xml': { ...smallYarn['yarn-site.xml'], zookeeperTimeout: 6000 } };
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
const job = () => {
  const running = yarn.submit('h1', 'example', 'pi', '4', '60000000');
  running.catch(() => undefined);
  return running;
};
const PI = 'Estimated value of Pi is 3.1415';

test('when the active ResourceManager is killed the other one takes over, and the job goes on', async () => {
  const { active, standby } = await untilPaired();
  const running = job();
  const { id } = await yarn.untilRuns(active, 2);
  const before = await yarn.crash('resourcemanager', active);
  await until(`${standby} is active`, async () => (await roles())[standby] === 'ACTIVE');
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
