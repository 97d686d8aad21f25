import { existsSync } from 'node:fs';
import { readdir, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ComponentAnswer, JobAnswer } from './api.ts';
import { cannotHideBecause, someWithoutJava } from './withoutJava.ts';
import { until, World } from './world.ts';
import { ZookeeperClient } from './zookeeperClient.ts';

const missing = cannotHideBecause();
const cluster = 'demo';
const bare = ['bare1', 'bare2'];
const hosts = [...bare, 'equipped'];
const net = `127.${1 + (process.pid % 200)}.${Math.floor(Math.random() * 250)}`;
const runtime = 'opt/stackyard/java-runtime-21.0.8';
let world: World;

interface Plan {
  readonly plan: { readonly java: readonly { host: string; home: string; packaged: boolean; reason: string }[] };
}

describe.skipIf(missing !== undefined && process.env['CI'] !== 'true')(
  `hosts without a JDK (${missing ?? 'real'})`,
  () => {
    beforeAll(async () => {
      const network = someWithoutJava(bare, (host) => `${net}.${11 + hosts.indexOf(host)}`);
      world = await World.start({ stacks: ['stacks/zookeeper'], hosts, network });
      await world.api.post('/clusters', { name: cluster, hosts });
    });
    afterAll(async () => {
      await world?.close();
    });

    test('the plan says which Java each host will use, and why', async () => {
      const { plan } = await world.api.post<Plan>(`/clusters/${cluster}/plans`, adding);
      const at = (host: string) => plan.java.find((each) => each.host === host);
      for (const host of bare)
        expect(at(host)).toMatchObject({
          packaged: true,
          home: join(world.host(host).root, runtime),
          reason: `${host} has no Java, and zookeeper needs >=11`,
        });
      expect(at('equipped')).toMatchObject({ packaged: false, reason: 'equipped has it, and zookeeper needs >=11' });
    });

    test('ZooKeeper is installed with the runtime that the server brings, and serves', async () => {
      await succeed(adding);
      const client = await ZookeeperClient.below(world.host('equipped').root);
      const [one, other] = bare.map((host) => `${world.host(host).address}:2181`) as [string, string];
      await client.create(one, '/brought', 'along');
      expect(await client.read(other, '/brought')).toBe('along');
      const programOf = async (host: string) => readlink(`/proc/${(await member(host)).pid}/exe`);
      for (const host of bare) expect(await programOf(host)).toBe(join(world.host(host).root, runtime, 'bin/java'));
      expect(await programOf('equipped')).not.toContain('java-runtime');
      expect(existsSync(join(world.host('equipped').root, runtime))).toBe(false);
    });

    test('a runtime that is not there any more, as after an update of the server, is brought before a start', async () => {
      await succeed({ command: 'stop', target: { service: 'zookeeper', hosts: ['bare1'] } });
      await rm(join(world.host('bare1').root, runtime), { recursive: true });
      await succeed({ command: 'start', target: { service: 'zookeeper', hosts: ['bare1'] } });
      await until('bare1 is a member again', async () => (await member('bare1')).observed === 'RUNNING');
    });

    test('removing the service takes the runtime along', async () => {
      await succeed({ command: 'remove', target: { service: 'zookeeper' }, data: 'delete' });
      for (const host of bare)
        expect(await readdir(join(world.host(host).root, 'opt/stackyard')).catch(() => [])).toEqual([]);
    });
  },
);

const adding = {
  command: 'add',
  services: [
    {
      service: 'zookeeper',
      components: { zookeeper_server: hosts, zookeeper_client: [] },
      config: { 'zoo.cfg': { tickTime: 500 }, 'zookeeper-env': { heap: 64 } },
    },
  ],
};

async function succeed(command: object): Promise<void> {
  const job: JobAnswer = await world.api.run(cluster, command);
  if (job.state !== 'SUCCESSFUL') throw new Error(`${job.title} is ${job.state}.\n${await world.api.story(job.id)}`);
}

async function member(host: string): Promise<ComponentAnswer> {
  const found = (await world.api.components(cluster, '&component=zookeeper_server')).find((each) => each.host === host);
  if (!found) throw new Error(`No member is on ${host}.`);
  return found;
}
