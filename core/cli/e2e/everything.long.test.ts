import { execFile } from 'node:child_process';
import { readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ComponentAnswer, JobAnswer } from './api.ts';
import { noNetworkBecause, TestNetwork } from './faults/network.ts';
import { memoryIn } from './pss.ts';
import { hidingJava } from './withoutJava.ts';
import { type HostNetwork, signal, until, World } from './world.ts';
import { ZookeeperClient } from './zookeeperClient.ts';

/** ZooKeeper, Kafka, HDFS and YARN in one cluster; each test goes on where the one before ended. */
const run = promisify(execFile);
const cluster = 'all';
const hosts = ['h1', 'h2', 'h3'];
/** What there is once goes to the first two hosts, so that everything can do without the third; the rest is recommended. */
const placed = {
  zookeeper: {},
  kafka: { kafka_client: ['h1'] },
  hdfs: { namenode: ['h1'], hdfs_client: ['h1'] },
  yarn: { resourcemanager: ['h1'], historyserver: ['h2'], yarn_client: ['h1'] },
};
const services = Object.keys(placed) as (keyof typeof placed)[];
/** Sees no JDK, where hosts can be told apart so far. */
const BARE = 'h3';
/** Of the server, its database, the agents and their runners, some of which wait for a minute for more to do. */
const OURS = ['server', 'agent', 'node', 'postgres', 'sh', 'flock'];
const MOST_MEBIBYTES = 3 * 1024;
const SOON_MS = 300_000;
/** Where the machine can, hosts have networks of their own, and can be cut off. */
const noNetwork = noNetworkBecause();
let network: TestNetwork | undefined;
let world: World;

interface Exports {
  readonly zookeeper: { readonly connect: string };
  readonly kafka: { readonly bootstrap: string };
  readonly hdfs: { readonly defaultFS: string; readonly webhdfs: string };
  readonly yarn: { readonly resourcemanager: string; readonly historyserver: string };
}

beforeAll(async () => {
  network = noNetwork === undefined ? await TestNetwork.make(hosts) : undefined;
  world = await World.start({
    stacks: ['stacks/zookeeper', 'stacks/kafka', 'stacks/hadoop'],
    hosts,
    ...(network ? { network: withBareHost(network) } : {}),
    env: {
      STACKYARD_SERVER_LIVENESS_HEARTBEAT_MS: '1000',
      STACKYARD_SERVER_LIVENESS_LEASE_MS: '10000',
      STACKYARD_SERVER_LIVENESS_LOST_AFTER_MS: '60000',
    },
  });
});
afterAll(async () => {
  await world?.close();
  await network?.remove();
});

test('one job brings up four services on three hosts, each in its smallest sizes', async () => {
  await world.api.post('/clusters', { name: cluster, hosts });
  const job = await world.api.run(cluster, {
    command: 'add',
    services: services.map((service) => ({ service, profile: 'small', components: placed[service] })),
  });
  await succeeded(job);
  await healthy();
});

test.skipIf(noNetwork !== undefined)(
  `the host without a JDK runs all of it by the Java that the server brought (${noNetwork ?? 'real'})`,
  async () => {
    const running = (await components()).filter(({ pid }) => pid !== null);
    const byServer = await Promise.all(
      running.map(async ({ pid, host }) => [host, await readlink(`/proc/${pid}/exe`)] as const),
    );
    expect(byServer.filter(([host]) => host === BARE).length).toBeGreaterThanOrEqual(5);
    for (const [host, program] of byServer) expect(program.includes('java-runtime')).toBe(host === BARE);
  },
);

test('the four products together take less than 3 GiB', async () => {
  // The check of YARN has run a job, whose master stays for a moment.
  let memory = await memoryIn(world.dir);
  await until('no job runs', async () => {
    memory = await memoryIn(world.dir);
    return !('MRAppMaster' in memory);
  });
  const each = Object.entries(memory).map(([name, { processes, mebibytes }]) => `${name} ×${processes} ${mebibytes}`);
  const sum = (kept: (name: string) => boolean): number =>
    Object.entries(memory).reduce((total, [name, { mebibytes }]) => total + (kept(name) ? mebibytes : 0), 0);
  const products = sum((name) => !OURS.includes(name));
  process.stdout.write(`Memory (PSS, MiB) ${products}, with ours ${sum(() => true)}: ${each.join(', ')}\n`);
  expect(products).toBeLessThan(MOST_MEBIBYTES);
});

test('a znode written through one member is read through another', async () => {
  const client = await ZookeeperClient.below(world.host('h1').root);
  await client.create(`${world.host('h1').address}:2181`, '/everything', 'is here');
  expect(await client.read(`${world.host('h3').address}:2181`, '/everything')).toBe('is here');
});

test('messages that are produced are consumed', async () => {
  await kafka('topics', '--create', '--topic', 'greetings');
  await produce(['hello', 'world']);
  expect(await consume(2)).toEqual(['hello', 'world']);
});

test('a file that is put is read', async () => {
  const file = join(world.dir, 'poem.txt');
  await writeFile(file, 'so much depends\nupon\n');
  await hdfs('dfs', '-mkdir', '-p', '/poems');
  await hdfs('dfs', '-put', file, '/poems/');
  expect(await hdfs('dfs', '-cat', '/poems/poem.txt')).toBe('so much depends\nupon\n');
});

test('a MapReduce job counts the words of the file, and is found in the history', async () => {
  await yarn('example', 'wordcount', '/poems', '/counted');
  expect((await hdfs('dfs', '-cat', '/counted/part-r-00000')).split('\n')).toContain('upon\t1');
  const { historyserver } = (await exportsOf()).yarn;
  const { jobs } = await json<{ jobs: { job: { name: string; state: string }[] } }>(
    `${historyserver}/ws/v1/history/mapreduce/jobs`,
  );
  expect(jobs.job.filter(({ name }) => name === 'word count')).toEqual([
    expect.objectContaining({ state: 'SUCCEEDED' }),
  ]);
});

test('the link of each component leads to the product', async () => {
  const links = (await components()).flatMap(({ links: own, component }) =>
    Object.entries(own).map(([title, url]) => ({ what: `${component} ${title}`, url })),
  );
  expect(new Set(links.map(({ what }) => what.split(' ')[0])).size).toBeGreaterThanOrEqual(5);
  const answers = await Promise.all(links.map(async ({ what, url }) => [what, (await fetch(url)).status] as const));
  expect(answers.filter(([, status]) => status !== 200)).toEqual([]);
});

test('every component that is killed is back by itself', async () => {
  const all = (await components()).filter(({ pid }) => pid !== null);
  const kinds = [...new Map(all.map((each) => [each.component, each])).values()];
  expect(kinds.length).toBeGreaterThanOrEqual(8);
  for (const before of kinds) {
    signal(before.pid ?? 0, 'SIGKILL');
    await until(
      `${before.component} on ${before.host} runs again as another process`,
      async () => {
        const now = (await components()).find(({ id }) => id === before.id);
        return now?.observed === 'RUNNING' && now.pid !== before.pid && now.restarts > before.restarts;
      },
      SOON_MS,
    );
  }
  await healthy();
  await produce(['still']);
  expect(await consume(3)).toEqual(['hello', 'still', 'world']);
  expect(await hdfs('dfs', '-cat', '/poems/poem.txt')).toContain('so much depends');
});

test.skipIf(noNetwork !== undefined)(
  `a host that is cut off is out of reach while the others serve, and comes back (${noNetwork ?? 'real'})`,
  async () => {
    const away = BARE;
    await network?.cut(away, 'link down');
    await until(`${away} is out of reach`, async () => !(await reachable(away)), SOON_MS);
    const client = await ZookeeperClient.below(world.host('h1').root);
    const there = hosts.filter((host) => host !== away);
    await until(
      'the other members serve',
      async () =>
        client
          .read(there.map((host) => `${world.host(host).address}:2181`).join(','), '/everything')
          .then((value) => value === 'is here')
          .catch(() => false),
      SOON_MS,
    );
    expect(await hdfs('dfs', '-cat', '/poems/poem.txt')).toContain('so much depends');
    await produce(['meanwhile']);
    await network?.heal(away, 'link down');
    await until(`${away} is back`, () => reachable(away), SOON_MS);
    await healthy();
    expect(await consume(4)).toEqual(['hello', 'meanwhile', 'still', 'world']);
    await succeeded(await world.api.run(cluster, { command: 'check', target: {} }));
  },
);

test('one job stops everything in order', async () => {
  await succeeded(await world.api.run(cluster, { command: 'stop', target: {} }));
  expect((await components()).filter(({ pid }) => pid !== null)).toEqual([]);
});

function withBareHost(real: TestNetwork): HostNetwork {
  return {
    server: real.server,
    addressOf: (host) => real.addressOf(host),
    commandOn: (host) => [...real.commandOn(host), ...(host === BARE ? hidingJava : [])],
  };
}

type Component = ComponentAnswer & { readonly service: string; readonly links: Readonly<Record<string, string>> };

async function components(): Promise<Component[]> {
  return (await world.api.components(cluster)) as Component[];
}

async function succeeded(job: JobAnswer): Promise<void> {
  if (job.state !== 'SUCCESSFUL') throw new Error(`${job.title} is ${job.state}.\n${await world.api.story(job.id)}`);
}

/** Clients have no process, and nothing is asked of them. */
async function healthy(): Promise<void> {
  await until(
    'every component runs',
    async () => {
      const all = (await components()).filter(({ component }) => !component.endsWith('_client'));
      return all.length > 0 && all.every(({ observed }) => observed === 'RUNNING');
    },
    SOON_MS,
  );
}

async function exportsOf(): Promise<Exports> {
  return world.api.get<Exports>(`/clusters/${cluster}/exports`);
}

async function reachable(host: string): Promise<boolean> {
  const { items } = await world.api.get<{ items: { name: string; reachable: boolean }[] }>('/hosts?limit=500');
  return items.some((each) => each.name === host && each.reachable);
}

/** A client as its service's client component has put it on the first host, which is where it runs. */
async function client(path: string, args: readonly string[], input = ''): Promise<string> {
  const { root } = world.host('h1');
  const [program = '', ...rest] = [...(network?.commandOn('h1') ?? []), join(root, 'etc/stackyard', path), ...args];
  const child = run(program, rest, { timeout: SOON_MS, maxBuffer: 2 ** 24, cwd: world.dir });
  child.child.stdin?.end(input);
  return (await child).stdout;
}

const hdfs = (...args: string[]) => client('hdfs/hdfs_client/hdfs', args);
const yarn = (...args: string[]) => client('yarn/yarn_client/yarn.sh', args);
const kafka = (...args: string[]) => client('kafka/kafka_client/kafka.sh', args);

async function produce(messages: readonly string[]): Promise<void> {
  const args = ['console-producer', '--topic', 'greetings'];
  await client('kafka/kafka_client/kafka.sh', args, `${messages.join('\n')}\n`);
}

/** Of all partitions, sorted: their order among each other says nothing. */
async function consume(count: number): Promise<string[]> {
  const said = await kafka(
    'console-consumer',
    '--topic',
    'greetings',
    '--from-beginning',
    '--max-messages',
    `${count}`,
  );
  return said.trim().split('\n').toSorted();
}

async function json<T>(url: string): Promise<T> {
  const answer = await fetch(url, { headers: { accept: 'application/json' } });
  return (await answer.json()) as T;
}
