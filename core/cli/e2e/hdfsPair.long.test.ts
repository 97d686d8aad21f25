import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ComponentAnswer, ProblemAnswer } from './api.ts';
import { smallHdfs, WebHdfs } from './hdfsClient.ts';
import { signal, until, World } from './world.ts';

/** A file system of one NameNode that becomes one of two; each test goes on where the one before ended. */
let world: World;
let files: WebHdfs;
const cluster = 'demo';
const hosts = ['h1', 'h2', 'h3'];
const pair = {
  command: 'add',
  services: [{ service: 'hdfs', components: { namenode: ['h2'], zkfc: ['h1', 'h2'], journalnode: hosts } }],
};

beforeAll(async () => {
  world = await World.start({ stacks: ['stacks/zookeeper', 'stacks/hadoop'], hosts });
});
afterAll(async () => {
  await world?.close();
});

async function succeed(command: unknown): Promise<void> {
  const job = await world.api.run(cluster, command);
  if (job.state !== 'SUCCESSFUL') throw new Error(`${job.title} is ${job.state}.\n${await world.api.story(job.id)}`);
}

async function exported(): Promise<{ readonly defaultFS: string; readonly webhdfs: string }> {
  return (await world.api.get<{ hdfs: { defaultFS: string; webhdfs: string } }>(`/clusters/${cluster}/exports`)).hdfs;
}

const nameNodes = (): Promise<ComponentAnswer[]> => world.api.components(cluster, '&component=namenode');

test('a second NameNode is refused with what it needs', async () => {
  await world.api.post('/clusters', { name: cluster, hosts });
  const components = { namenode: ['h1'], datanode: hosts, secondarynamenode: [], hdfs_client: ['h3'] };
  const quick = { 'zoo.cfg': { tickTime: 500 }, 'zookeeper-env': { heap: 48 } };
  await succeed({
    command: 'add',
    services: [
      { service: 'zookeeper', components: { zookeeper_server: ['h3'], zookeeper_client: [] }, config: quick },
      { service: 'hdfs', components, config: { ...smallHdfs, 'zkfc-site.xml': { sessionTimeout: 3000 } } },
    ],
  });
  files = new WebHdfs((await exported()).webhdfs);
  await files.write('/user/greeting', 'hello');
  const alone = { command: 'add', services: [{ service: 'hdfs', components: { namenode: ['h2'] } }] };
  const refused = (await world.api.run(cluster, alone).catch((error: unknown) => error)) as ProblemAnswer;
  expect(refused.problem.errors?.map(({ message }) => message)).toEqual([
    'Two NameNodes share their changes by JournalNodes. Place one at least, better three.',
    'NameNodes that take over from one another need a failover controller each. Place zkfc on all their hosts.',
  ]);
});

test('one plan makes two NameNodes of one, and every file is there', async () => {
  await succeed(pair);
  const { defaultFS, webhdfs } = await exported();
  expect(defaultFS).toBe('hdfs://hdfs');
  files = new WebHdfs(webhdfs);
  await until('one NameNode is active and the other stands by', async () => {
    const roles = (await nameNodes()).map(({ role }) => role);
    return roles.includes('active') && roles.includes('standby');
  });
  expect(await files.read('/user/greeting')).toBe('hello');
  await files.write('/user/later', 'written to two');
  expect((await world.api.components(cluster)).filter(({ stale }) => stale)).toEqual([]);
});

test('the new NameNode takes over from the one that was alone, with all that was written', async () => {
  const active = (await nameNodes()).find(({ role }) => role === 'active');
  signal(active?.pid ?? 0, 'SIGKILL');
  await until('the other NameNode is active', async () => {
    const now = (await nameNodes()).find(({ role, observed }) => role === 'active' && observed === 'RUNNING');
    return now !== undefined && now.host !== active?.host;
  });
  expect([await files.read('/user/greeting'), await files.read('/user/later')]).toEqual(['hello', 'written to two']);
  await succeed({ command: 'check', target: { service: 'hdfs' } });
});
