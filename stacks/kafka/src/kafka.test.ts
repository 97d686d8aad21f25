import { describeStack, expectGolden, simulate } from '@stackyard/sdk/testing';
import { expect, test } from 'vitest';
import stack, { broker, brokerConf, brokerJvm, client, common, controller } from './index.ts';
import line39 from './line39.ts';

describeStack(stack);

const hosts = ['k1', 'k2', 'k3'] as const;
const cluster = simulate(stack)
  .add(controller, ...hosts)
  .add(broker, ...hosts);
const own = '/etc/stackyard/kafka/kafka_broker';

test('files of a broker, a controller and a client are as reviewed', async () => {
  const set = cluster.set(common.clusterId, 'fb35d4ac-1f39-4e16-8a33-1c8f33c92f53').add(client, 'edge');
  expectGolden(await set.run(broker, 'configure', 'k2'), 'broker');
  expectGolden(await set.local().run(controller, 'configure', 'k1'), 'controller');
  expectGolden(await set.run(client, 'configure', 'edge'), 'client');
});

test('numbers of brokers and controllers never meet, and a new host changes none', async () => {
  const grown = cluster.add(broker, 'a-sorts-first').add(controller, 'a-sorts-first');
  const lineOf = async (component: typeof broker, host: string) => {
    const { files } = await grown.run(component, 'configure', host);
    return Object.values(files)
      .join('\n')
      .match(/^node\.id=\d+$/m)?.[0];
  };
  expect(await lineOf(broker, 'k1')).toBe('node.id=1');
  expect(await lineOf(controller, 'k1')).toBe('node.id=3001');
  expect(await lineOf(broker, 'a-sorts-first')).toBe('node.id=4');
  expect(await lineOf(controller, 'a-sorts-first')).toBe('node.id=3004');
});

test('one broker keeps one copy, three keep three of which two have to be up to date', async () => {
  const copies = async (...names: [string, ...string[]]) => {
    const few = simulate(stack)
      .add(controller, 'k1')
      .add(broker, ...names);
    const { files } = await few.run(broker, 'configure', 'k1');
    return files[`${own}/broker.properties`]?.match(/(?<=^(default.replication.factor|min.insync.replicas)=)\d/gm);
  };
  expect(await copies('k1')).toEqual(['1', '1']);
  expect(await copies('k1', 'k2')).toEqual(['2', '1']);
  expect(await copies('k1', 'k2', 'k3', 'k4')).toEqual(['3', '2']);
});

test('the heap follows from the host and leaves the page cache most of it', async () => {
  const heap = async (gibibytes: number) => {
    const { files } = await cluster.facts({ memory: gibibytes * 1024 ** 3 }).run(broker, 'configure', 'k1');
    return files[`${own}/broker.jvm`]?.split('\n')[0];
  };
  expect([await heap(1), await heap(16), await heap(256)]).toEqual(['-Xmx256m', '-Xmx2048m', '-Xmx6144m']);
});

test('directories are marked once, with one id for the whole cluster', async () => {
  const set = cluster.set(common.clusterId, 'fb35d4ac-1f39-4e16-8a33-1c8f33c92f53');
  const first = await set.run(broker, 'init', 'k1');
  expect(first.programs[0]?.args.slice(-4)).toEqual([
    '--ignore-formatted',
    '--cluster-id=-zXUrB85ThaKMxyPM8kvUw',
    '--config',
    `${own}/broker.properties`,
  ]);
  expect((await first.next.run(broker, 'init', 'k1')).programs).toEqual([]);
});

test('controllers start first and have their turns last, the active one last of all', () => {
  const [first, second] = simulate(stack).manifest.services[0]!.components;
  expect(first).toMatchObject({
    name: 'kafka_controller',
    rolling: true,
    lastRole: 'leader',
    turnsAfter: 'kafka_broker',
  });
  expect(second).toMatchObject({ after: [{ on: 'kafka_controller', phase: 'start', after: 'start' }] });
});

test('the two lines differ in their versions and packages alone', () => {
  const [now, before] = [stack, line39].map((each) => simulate(each).manifest.services[0]!);
  const rest = ({ version: _, packages: __, upgrade: ___, ...others }: NonNullable<typeof now>) => others;
  expect(rest(before!)).toEqual(rest(now!));
  expect([before, now].map((each) => `${each?.version} ${JSON.stringify(each?.upgrade)}`)).toEqual([
    '3.9.2 {"from":">=3.7"}',
    '4.3.1 {"from":">=3.9","backTo":">=3.9"}',
  ]);
});

test('what can go wrong has an alert with a remedy, and its figures a dashboard', () => {
  const { alerts = [], dashboards = [] } = simulate(stack).manifest.services[0]!;
  expect(alerts.filter(({ severity }) => severity === 'critical').map(({ name }) => name)).toEqual([
    'KafkaOfflinePartitions',
    'KafkaNoController',
    'KafkaUnderMinIsr',
    'KafkaOfflineDirectory',
  ]);
  expect(dashboards[0]?.panels).toHaveLength(8);
});

test('a rack and further directories are those of the host', async () => {
  const set = cluster.override('k2', brokerConf.rack, 'b').override('k2', brokerConf.moreDirs, ['/disk1', '/disk2']);
  const { files } = await set.override('k2', brokerJvm.heap, 512).run(broker, 'configure', 'k2');
  expect(files[`${own}/broker.properties`]).toContain('log.dirs=/var/lib/kafka-broker,/disk1,/disk2\n');
  expect(files[`${own}/broker.properties`]).toContain('broker.rack=b\n');
  expect((await set.run(broker, 'configure', 'k1')).files[`${own}/broker.properties`]).not.toContain('rack');
});
