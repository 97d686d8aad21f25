import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import stack from '@stack/hadoop';
import { simulate } from '@stackyard/sdk/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ComponentAnswer, JobAnswer } from './api.ts';
import { smallHdfs, WebHdfs } from './hdfsClient.ts';
import { signal, until, World } from './world.ts';

/** A real file system of one NameNode and three DataNodes; each test goes on where the one before ended. */
let world: World;
let files: WebHdfs;
const cluster = 'demo';
const hosts = ['h1', 'h2', 'h3'];

beforeAll(async () => {
  world = await World.start({ stacks: ['stacks/hadoop'], hosts });
});
afterAll(async () => {
  await world?.close();
});

async function succeed(job: JobAnswer): Promise<void> {
  if (job.state !== 'SUCCESSFUL') throw new Error(`${job.title} is ${job.state}.\n${await world.api.story(job.id)}`);
}

function manifestOf(service: string) {
  const folder = fileURLToPath(new URL('../../../stacks/hadoop', import.meta.url));
  const found = simulate(stack, { folder }).manifest.services.find(({ name }) => name === service);
  if (!found) throw new Error(`The stack has no service ${service}.`);
  return found;
}

async function dataNode(host: string): Promise<ComponentAnswer> {
  const found = (await world.api.components(cluster, '&component=datanode')).find((each) => each.host === host);
  if (!found) throw new Error(`No DataNode is on ${host}.`);
  return found;
}

test('a NameNode and three DataNodes are installed on hosts that share a machine, and know one another', async () => {
  await world.api.post('/clusters', { name: cluster, hosts });
  const components = { namenode: ['h1'], datanode: hosts, secondarynamenode: [], hdfs_client: ['h3'] };
  await succeed(
    await world.api.run(cluster, {
      command: 'add',
      services: [{ service: 'hdfs', components, config: smallHdfs }],
    }),
  );
  const { hdfs } = await world.api.get<{ hdfs: { defaultFS: string; webhdfs: string } }>(
    `/clusters/${cluster}/exports`,
  );
  const { address } = world.host('h1');
  expect(hdfs).toMatchObject({ defaultFS: `hdfs://${address}:8020`, webhdfs: `http://${address}:9870` });
  files = new WebHdfs(hdfs.webhdfs);
  expect(Object.keys(await files.dataNodes()).toSorted()).toEqual(
    hosts.map((host, index) => `${world.host(host).address}:${9966 + 100 * index}`),
  );
});

test('what is written through WebHDFS is read again', async () => {
  await files.write('/user/greeting', 'hello');
  expect(await files.read('/user/greeting')).toBe('hello');
});

test('the command line of a client host reads it too', async () => {
  const program = join(world.host('h3').root, 'etc/stackyard/hdfs/hdfs_client/hdfs');
  const { stdout } = await promisify(execFile)(program, ['dfs', '-cat', '/user/greeting']);
  expect(stdout).toBe('hello');
});

test('daemons give every metric that alerts and the dashboard are made of', async () => {
  const { address } = world.host('h1');
  const ask = async (port: number): Promise<string> => (await fetch(`http://${address}:${port}/prom`)).text();
  const given = new Set([...`${await ask(9870)}\n${await ask(9864)}`.matchAll(/^(\w+)\{/gm)].map(([, name]) => name));
  const { alerts = [], dashboards = [] } = manifestOf('hdfs');
  const panels = dashboards.flatMap((dashboard) => dashboard.panels.flatMap(({ queries }) => queries));
  const asked = [...alerts, ...panels].flatMap(({ expr }) => expr.match(/\w+(?=\{\$labels)/g) ?? []);
  expect(asked.length).toBeGreaterThan(20);
  expect(asked.filter((name) => !given.has(name))).toEqual([]);
});

test('a killed DataNode is started again, and reports to its NameNode', async () => {
  const before = await dataNode('h3');
  signal(before.pid ?? 0, 'SIGKILL');
  await until('the DataNode of h3 runs again as another process', async () => {
    const now = await dataNode('h3');
    return now.observed === 'RUNNING' && now.pid !== before.pid && now.restarts > before.restarts;
  });
  await succeed(await world.api.run(cluster, { command: 'check', target: { service: 'hdfs' } }));
  expect(await files.read('/user/greeting')).toBe('hello');
});
