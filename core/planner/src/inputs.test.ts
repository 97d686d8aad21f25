import { expect, test } from 'vitest';
import { inputsOf } from './inputs.ts';
import { cluster, component, config, host, property, Sample, service, zookeeper } from './testing/sample.ts';

const addZooKeeper = { command: 'add', services: [{ service: 'zookeeper' }] } as const;

function inputs(sample: Sample, name: string, hostName: string) {
  const found = sample.state.services.find((it) => it.name === name)!;
  const member = found.hostComponents.find(({ hostId }) => hostId === `h-${hostName}`)!;
  return inputsOf(sample.state, found, member.id);
}

test('host components of a service share its instances and imports', () => {
  const sample = new Sample();
  sample.run(addZooKeeper);
  const [one, two] = [inputs(sample, 'zookeeper', 'zk1'), inputs(sample, 'zookeeper', 'zk2')];
  expect(one.instances).toBe(two.instances);
  expect(one.imports).toBe(two.imports);
  expect(one.self).toMatchObject({ host: 'zk1', ordinal: 1, javaHome: '/usr/lib/jvm/java-17' });
  expect(one.instances['zookeeper_server']?.map(({ host, ordinal }) => `${host} ${ordinal}`)).toEqual([
    'zk1 1',
    'zk2 2',
    'zk3 3',
  ]);
});

test('exports of a required service are imported, overrides of its hosts included', () => {
  const kafka = service('kafka', {
    requires: { services: [{ service: 'zookeeper', range: '*' }] },
    configs: [
      config('server.properties', [
        property('connect', 'text', { default: { import: { service: 'zookeeper', export: 'connect' } } }),
      ]),
    ],
    components: [component('broker', { configs: ['server.properties'] })],
  });
  const sample = new Sample(cluster({ manifests: [kafka, zookeeper] }));
  sample.run({ command: 'add', services: [{ service: 'kafka' }, ...addZooKeeper.services] });
  sample.run({
    command: 'configure',
    target: { service: 'zookeeper' },
    overrides: { zk2: { 'zoo.cfg': { clientPort: 2999 } } },
  });
  const connect = '10.0.0.zk1:2181,10.0.0.zk2:2999,10.0.0.zk3:2181';
  expect(inputs(sample, 'kafka', 'zk1').values['server.properties']).toEqual({ connect });
  expect(inputs(sample, 'zookeeper', 'zk2').values['zoo.cfg']?.['servers']).toBe(connect);
});

test('a value that differs between hosts is listed for every instance, so that no host reads its own for another', () => {
  const sample = new Sample();
  sample.run({
    command: 'add',
    services: [{ service: 'zookeeper', overrides: { zk3: { 'zoo.cfg': { tickTime: 1000 } } } }],
  });
  const { instances, values } = inputs(sample, 'zookeeper', 'zk3');
  expect(values['zoo.cfg']?.['tickTime']).toBe(1000);
  expect(instances['zookeeper_server']?.map(({ overrides }) => overrides)).toEqual([
    { 'zoo.cfg': { tickTime: 3000 } },
    { 'zoo.cfg': { tickTime: 3000 } },
    { 'zoo.cfg': { tickTime: 1000 } },
  ]);
});

test('a recommendation over facts follows each host', () => {
  const sized = service('sized', {
    configs: [
      config('s.env', [
        property('heap', 'memory', { default: { op: 'div', of: [{ fact: 'memory' }, { literal: 2 }] } }),
        property('home', 'text', { default: { concat: [{ self: 'host' }, { literal: '/x' }] } }),
      ]),
    ],
    components: [component('s', { configs: ['s.env'] })],
  });
  const facts = { cpus: 1, memory: 1000, disk: 1, java: [] };
  const hosts = [host('big', { clusterId: 'c1' }), host('small', { clusterId: 'c1', facts })];
  const sample = new Sample(cluster({ hosts, manifests: [sized] }));
  sample.run({ command: 'add', services: [{ service: 'sized', components: { s: ['big', 'small'] } }] });
  expect(inputs(sample, 'sized', 'small').values['s.env']).toEqual({ heap: 500, home: 'small/x' });
  expect(inputs(sample, 'sized', 'big').values['s.env']).toEqual({ heap: 8 * 1024 ** 3, home: 'big/x' });
});
