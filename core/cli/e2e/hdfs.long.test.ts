import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ComponentAnswer, JobAnswer } from './api.ts';
import { smallHdfs, WebHdfs } from './hdfsClient.ts';
import { signal, until, World } from './world.ts';

/** Two NameNodes by ZooKeeper and JournalNodes; each test goes on where the one before ended. */
let world: World;
let files: WebHdfs;
const cluster = 'demo';
const hosts = ['h1', 'h2', 'h3'];

beforeAll(async () => {
  world = await World.start({ stacks: ['stacks/zookeeper', 'stacks/hadoop'], hosts });
});
afterAll(async () => {
  await world?.close();
});

async function succeed(command: unknown): Promise<JobAnswer> {
  const job = await world.api.run(cluster, command);
  if (job.state !== 'SUCCESSFUL') throw new Error(`${job.title} is ${job.state}.\n${await world.api.story(job.id)}`);
  return job;
}

const nameNodes = (): Promise<ComponentAnswer[]> => world.api.components(cluster, '&component=namenode');

async function withRole(role: string): Promise<ComponentAnswer | undefined> {
  return (await nameNodes()).find((each) => each.role === role && each.observed === 'RUNNING');
}

test('two NameNodes are installed with what lets one take over from the other', async () => {
  await world.api.post('/clusters', { name: cluster, hosts });
  const quick = { 'zoo.cfg': { tickTime: 500 }, 'zookeeper-env': { heap: 48 } };
  // What two NameNodes need beside them is placed as recommended.
  const components = { namenode: ['h1', 'h2'], datanode: hosts, hdfs_client: [] };
  const config = {
    ...smallHdfs,
    'hdfs-site.xml': { ...smallHdfs['hdfs-site.xml'], replication: 2 },
    'zkfc-site.xml': { sessionTimeout: 3000 },
  };
  await succeed({
    command: 'add',
    services: [
      { service: 'zookeeper', components: { zookeeper_server: ['h3'], zookeeper_client: [] }, config: quick },
      { service: 'hdfs', components, config },
    ],
  });
  const { hdfs } = await world.api.get<{ hdfs: { defaultFS: string; webhdfs: string } }>(
    `/clusters/${cluster}/exports`,
  );
  expect(hdfs.defaultFS).toBe('hdfs://hdfs');
  files = new WebHdfs(hdfs.webhdfs);
  await until('one NameNode is active and the other stands by', async () => {
    const roles = (await nameNodes()).map(({ role }) => role);
    return roles.includes('active') && roles.includes('standby');
  });
  await files.write('/user/greeting', 'hello');
});

test('the NameNode that stands by takes over from one that is killed, and has every file', async () => {
  const before = await withRole('active');
  signal(before?.pid ?? 0, 'SIGKILL');
  await until('the other NameNode is active', async () => {
    const now = await withRole('active');
    return now !== undefined && now.host !== before?.host;
  });
  expect(await files.read('/user/greeting')).toBe('hello');
  await until('the killed one stands by', async () => (await withRole('standby'))?.host === before?.host);
  await succeed({ command: 'check', target: { service: 'hdfs' } });
});

test('an operator moves the work back by an action', async () => {
  const before = await withRole('active');
  await succeed({ command: 'action', action: 'failover', target: { service: 'hdfs', component: 'namenode' } });
  await until('the other NameNode is active', async () => {
    const now = await withRole('active');
    return now !== undefined && now.host !== before?.host;
  });
});

test('a DataNode that is decommissioned has every block copied elsewhere, and can go', async () => {
  for (const name of ['a', 'b', 'c', 'd']) await files.write(`/user/${name}`, name.repeat(1000));
  const keyOf = (host: string, ordinal: number): string => `${world.host(host).address}:${9866 + 100 * ordinal}`;
  expect((await files.dataNodes())[keyOf('h3', 3)]?.adminState).toBe('In Service');
  const target = { service: 'hdfs', component: 'datanode', hosts: ['h3'] };
  await succeed({ command: 'decommission', target });
  const nodes = await files.dataNodes();
  expect(nodes[keyOf('h3', 3)]?.adminState).toBe('Decommissioned');
  const blocks = Number(await files.state('BlocksTotal'));
  expect([nodes[keyOf('h1', 1)]?.numBlocks, nodes[keyOf('h2', 2)]?.numBlocks]).toEqual([blocks, blocks]);
  await succeed({ command: 'remove', target, data: 'delete' });
  for (const name of ['a', 'b', 'c', 'd']) expect(await files.read(`/user/${name}`)).toBe(name.repeat(1000));
});
