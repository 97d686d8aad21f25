import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaCluster, KafkaTools, Traffic } from './kafkaTools.ts';
import { World } from './world.ts';

/** A cluster that begins as 3.9 and goes to 4.3, back, and to 4.3 for good, under traffic. */
let world: World;
let kafka: KafkaCluster;
let tools: KafkaTools;
let traffic: Traffic | undefined;
const hosts = ['k1', 'k2', 'k3'];
const KEPT = Array.from({ length: 1000 }, (_, index) => `message ${String(index).padStart(4, '0')}`);

beforeAll(async () => {
  world = await World.start({ stacks: ['stacks/kafka/3.9', 'stacks/kafka'], hosts });
  kafka = new KafkaCluster(world, 'main');
  tools = new KafkaTools(world.host('k1').root);
  await kafka.install(hosts, ['k1', 'k2'], '3.9.0');
  await kafka.act('createTopic', { topic: 'kept' });
  await tools.produce('kept', KEPT);
  await kafka.act('createTopic', { topic: 'flowing' });
  traffic = await Traffic.start(tools, 'flowing', world.dir);
});
afterAll(async () => {
  await traffic?.close();
  await world?.close();
});

test.each([
  ['4.3.0', 'Upgrade kafka to 4.3.1'],
  ['3.9.0', 'Take kafka back to 3.9.2'],
  ['4.3.0', 'Upgrade kafka to 4.3.1'],
])('going to %s keeps data and traffic, as long as nothing was finalized', async (version, title) => {
  await traffic!.flows();
  const job = await kafka.run({ command: 'upgrade', service: 'kafka', version });
  expect(job.title).toContain(title);
  await traffic!.flows();
});

test('nothing that was acknowledged on the way is lost', async () => {
  expect(await traffic!.lost()).toEqual([]);
  expect(await tools.consume('kept', KEPT.length)).toEqual(KEPT);
});

test('what was finalized is in use, and there is no way back', async () => {
  expect(await kafka.act('finalize')).toMatchObject({ finalized: '4.3-IV0' });
  expect(await kafka.act('finalize')).toEqual({ finalized: '4.3-IV0', changed: [] });
  const before = await kafka.of('kafka_broker');
  const back = await world.api.run('main', { command: 'upgrade', service: 'kafka', version: '3.9.0' });
  expect(back.state).toBe('FAILED');
  expect(await world.api.story(back.id)).toContain('which this one cannot read. There is no way back.');
  expect((await kafka.of('kafka_broker')).map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid));
  await kafka.run({ command: 'upgrade', service: 'kafka', version: '4.3.0' });
  expect(await tools.consume('kept', KEPT.length)).toEqual(KEPT);
});
