import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaCluster, KafkaTools } from './kafkaTools.ts';
import { until, World } from './world.ts';

/** One real cluster of three brokers and three controllers; each test goes on where the one before ended. */
let world: World;
let kafka: KafkaCluster;
let tools: KafkaTools;
const hosts = ['k1', 'k2', 'k3'];

beforeAll(async () => {
  world = await World.start({ stacks: ['stacks/kafka'], hosts });
  kafka = new KafkaCluster(world, 'demo');
  tools = new KafkaTools(world.host('k1').root);
});
afterAll(async () => {
  await world?.close();
});

test('installing on three hosts ends with a cluster that takes a message through each broker and gives it back', async () => {
  const { id } = await kafka.install(hosts, hosts, '4.3.0');
  const checks = (await world.api.tasks(id)).filter(({ phase }) => phase === 'check');
  expect(checks.map(({ component, host, state }) => `${component} ${host} ${state}`).toSorted()).toEqual([
    ...hosts.map((host) => `kafka_broker ${host} SUCCESSFUL`),
    ...hosts.map((host) => `kafka_controller ${host} SUCCESSFUL`),
  ]);
  const exports = await world.api.get<{ kafka: { bootstrap: string } }>('/clusters/demo/exports');
  expect(exports.kafka.bootstrap).toBe(hosts.map((host) => `${world.host(host).address}:9092`).join(','));
  await until('one controller leads', async () => {
    const roles = (await kafka.of('kafka_controller')).map(({ role }) => role ?? '').toSorted();
    return roles.join() === 'follower,follower,leader';
  });
});

test('a topic is made by an action, and the tools of the client host write and read it', async () => {
  const partitions = await kafka.act('createTopic', { topic: 'orders', settings: { 'retention.ms': 3_600_000 } });
  expect(partitions).toMatchObject([{ partition: 'orders-0' }, { partition: 'orders-1' }, { partition: 'orders-2' }]);
  await tools.produce('orders', ['one', 'three', 'two']);
  expect(await tools.consume('orders', 3)).toEqual(['one', 'three', 'two']);
});

test('every metric of an alert or a panel is one that brokers or controllers have', async () => {
  const ports = [9404, 9405].map((port) => `http://${world.host('k1').address}:${port}/metrics`);
  const texts = await Promise.all(ports.map(async (url) => (await fetch(url)).text()));
  const there = new Set(texts.flatMap((text) => text.split('\n').map((line) => /^[a-z0-9_]+/.exec(line)?.[0])));
  const { items } = await world.api.get<{ items: { id: string }[] }>('/stacks');
  const manifest = JSON.stringify(await world.api.get(`/stacks/${items[0]!.id}`));
  const used = new Set(manifest.match(/\b(kafka_(server|controller|network|log|raft)|process|jvm)_[a-z0-9_]+\b/g));
  expect(used.size).toBeGreaterThan(10);
  expect([...used].filter((name) => !there.has(name))).toEqual([]);
});

test('a broker that is killed is back by itself, and what it had is there', async () => {
  const before = await kafka.kill('kafka_broker', 'k2');
  await until('k2 runs again as another process', async () => {
    const now = await kafka.on('kafka_broker', 'k2');
    return now.observed === 'RUNNING' && now.pid !== before.pid && now.restarts > before.restarts;
  });
  await kafka.run({ command: 'check', target: { component: 'kafka_broker', hosts: ['k2'] } });
  expect(await tools.consume('orders', 3)).toEqual(['one', 'three', 'two']);
});
