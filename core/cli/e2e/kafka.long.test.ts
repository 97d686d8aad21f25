import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TaskAnswer } from './api.ts';
import { KafkaCluster, KafkaTools, Traffic } from './kafkaTools.ts';
import { until, World } from './world.ts';

/** A cluster that goes through what operators do with it, under traffic where nothing may be lost. */
let world: World;
let kafka: KafkaCluster;
let tools: KafkaTools;
let traffic: Traffic | undefined;
const hosts = ['k1', 'k2', 'k3'];

beforeAll(async () => {
  world = await World.start({ stacks: ['stacks/kafka'], hosts });
  kafka = new KafkaCluster(world, 'main');
  tools = new KafkaTools(world.host('k1').root);
  await kafka.install(hosts, hosts, '4.3.0');
  await kafka.act('createTopic', { topic: 'kept' });
  await tools.produce('kept', KEPT);
});
afterEach(async () => {
  await traffic?.close();
  traffic = undefined;
});
afterAll(async () => {
  await world?.close();
});

const KEPT = Array.from({ length: 1000 }, (_, index) => `message ${String(index).padStart(4, '0')}`);

async function flowing(topic: string): Promise<Traffic> {
  await kafka.act('createTopic', { topic });
  traffic = await Traffic.start(tools, topic, world.dir);
  await traffic.flows();
  return traffic;
}

/** Who was started in which order, by the job's own tasks. */
async function turnsOf(jobId: string): Promise<string[]> {
  const starts = (await world.api.tasks(jobId)).filter(({ phase }) => phase === 'start');
  const at = ({ startedAt }: TaskAnswer): string => startedAt ?? '';
  return starts.toSorted((a, b) => at(a).localeCompare(at(b))).map(({ component, host }) => `${component} ${host}`);
}

test('a rolling restart loses no message: brokers in turns, each when nothing lacks a copy, the active controller last', async () => {
  let active: string | undefined;
  await until('a controller is active', async () => {
    active = (await kafka.of('kafka_controller')).find(({ role }) => role === 'leader')?.host;
    return active !== undefined;
  });
  const flow = await flowing('restarted');
  const { id } = await kafka.run({ command: 'restart', target: { service: 'kafka' } });
  await flow.flows();
  const others = hosts.filter((host) => host !== active);
  expect(await turnsOf(id)).toEqual([
    ...hosts.map((host) => `kafka_broker ${host}`),
    ...[...others, active].map((host) => `kafka_controller ${host}`),
  ]);
  const settled = (await world.api.tasks(id)).filter(({ phase }) => phase === 'settle');
  expect(settled.map(({ host, state }) => `${host} ${state}`)).toEqual(hosts.map((host) => `${host} SUCCESSFUL`));
  expect(await flow.lost()).toEqual([]);
});

test('while a copy is missing elsewhere the next broker is not stopped, and the log says which copy that is', async () => {
  await kafka.run({ command: 'stop', target: { component: 'kafka_broker', hosts: ['k3'] } });
  const before = await kafka.on('kafka_broker', 'k2');
  const restart = { command: 'restart', target: { component: 'kafka_broker', hosts: ['k1', 'k2'] } };
  const { id } = await world.api.post<{ id: string }>('/clusters/main/commands', restart);
  await until('the first one waits for the copies of k3', async () => {
    const settling = (await world.api.tasks(id)).find(({ phase, state }) => phase === 'settle' && state === 'RUNNING');
    return settling !== undefined && (await world.api.text(`/api/v1/tasks/${settling.id}/log`)).includes('Topic:');
  });
  expect((await kafka.on('kafka_broker', 'k2')).pid).toBe(before.pid);
  await world.api.post(`/jobs/${id}/cancel`);
  expect((await world.api.wait(id)).state).toBe('CANCELED');
  expect((await kafka.on('kafka_broker', 'k2')).pid).toBe(before.pid);
  await kafka.run({ command: 'start', target: { component: 'kafka_broker', hosts: ['k3'] } });
});

test('a broker that is added takes its share of the copies by a reassignment', async () => {
  await world.addHost('k4');
  await kafka.run({ command: 'add', services: [{ service: 'kafka', components: { kafka_broker: ['k4'] } }] });
  const preview = (await kafka.act('previewReassignment', { topics: ['kept'] })) as string[];
  expect(preview.length).toBeGreaterThan(0);
  expect(await kafka.act('reassign', { topics: ['kept'] })).toEqual(preview);
  expect(await kafka.act('previewReassignment', { topics: ['kept'] })).toEqual([]);
  const { pid } = await kafka.kill('kafka_broker', 'k4');
  await until('k4 is back', async () => {
    const now = await kafka.on('kafka_broker', 'k4');
    return now.observed === 'RUNNING' && now.pid !== pid;
  });
  expect(await tools.consume('kept', KEPT.length)).toEqual(KEPT);
});
test('a broker that is decommissioned gives its copies away before it goes, and is forgotten', async () => {
  const flow = await flowing('moved');
  const has = async (id: number): Promise<number> => {
    const said = (await kafka.act('describeTopics')) as { replicas: number[] }[];
    return said.filter(({ replicas }) => replicas.includes(id)).length;
  };
  expect(await has(4)).toBeGreaterThan(0);
  await kafka.run({ command: 'decommission', target: { component: 'kafka_broker', hosts: ['k4'] } });
  expect(await has(4)).toBe(0);
  await kafka.run({ command: 'remove', target: { component: 'kafka_broker', hosts: ['k4'] }, data: 'delete' });
  await flow.flows();
  expect(await flow.lost()).toEqual([]);
  expect(await tools.consume('kept', KEPT.length)).toEqual(KEPT);
  const fenced = await fetch(`http://${world.host('k1').address}:9405/metrics`);
  expect(await fenced.text()).toMatch(/^kafka_controller_kafkacontroller_fencedbrokercount 0/m);
});

test('of three brokers none can be emptied while topics have three copies: that is said, and it is taken in again', async () => {
  const target = { component: 'kafka_broker', hosts: ['k3'] };
  const job = await world.api.run('main', { command: 'decommission', target });
  expect(job.state).toBe('FAILED');
  expect(await world.api.story(job.id)).toContain('k3 cannot be emptied: ');
  await kafka.run({ command: 'recommission', target });
  await kafka.run({ command: 'check', target: { service: 'kafka' } });
});
