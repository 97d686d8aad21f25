import { expect, test } from 'vitest';
import type { CommandRequest } from './command.ts';
import { layout } from './layout/layout.ts';
import { stale } from './stale.ts';
import { cluster, component, config, ids, property, renderAll, Sample, service } from './testing/sample.ts';

function running(): Sample {
  const sample = new Sample();
  sample.run({
    command: 'add',
    services: [{ service: 'zookeeper', components: { zookeeper_server: ['zk1', 'zk2'] } }],
  });
  return sample;
}

function found({ state }: Sample, request: CommandRequest): string[] {
  const { next } = layout(state, request, { newId: ids() });
  return stale(state, next, renderAll(next)).map(({ hostComponentId, changed, effect }) => {
    const member = state.services.flatMap((it) => it.hostComponents).find(({ id }) => id === hostComponentId)!;
    return `${member.component} ${member.hostId} ${changed.map((path) => path.split('/').at(-1)).join()} ${effect}`;
  });
}

const configure = (values: object, overrides?: object): CommandRequest =>
  ({
    command: 'configure',
    target: { service: 'zookeeper' },
    config: { 'zoo.cfg': values },
    overrides,
  }) as CommandRequest;

test('nothing is stale where the files stay the same', () => {
  expect(found(running(), configure({ clientPort: 2181 }))).toEqual([]);
});

test('the effect is the strongest one of what changed, on the hosts it changed for', () => {
  const sample = running();
  expect(found(sample, configure({ note: 'x' }))).toContain('zookeeper_server h-zk1 zoo.cfg none');
  expect(found(sample, configure({ note: 'x', tickTime: 2000 }))).toContain('zookeeper_server h-zk1 zoo.cfg rolling');
  expect(found(sample, configure({}, { zk2: { 'zoo.cfg': { note: 'x' } } }))).toEqual([
    'zookeeper_server h-zk2 zoo.cfg none',
    'zookeeper_client h-zk2 zoo.cfg none',
  ]);
});

test('a new member changes the files of the others by the effect of the config, and is not stale itself', () => {
  const request: CommandRequest = {
    command: 'add',
    services: [{ service: 'zookeeper', components: { zookeeper_server: ['zk3'] } }],
  };
  expect(found(running(), request)).toEqual([
    'zookeeper_server h-zk1 zoo.cfg rolling',
    'zookeeper_server h-zk2 zoo.cfg rolling',
    'zookeeper_client h-zk1 zoo.cfg rolling',
    'zookeeper_client h-zk2 zoo.cfg rolling',
  ]);
});

test('a file that is no longer rendered is a change', () => {
  const sample = running();
  sample.change((it) => ({ ...it, applied: { ...it.applied, '/etc/gone': 'sha256-x' } }));
  expect(found(sample, configure({}))[0]).toBe('zookeeper_server h-zk1 gone restart');
});

test('a value that is in no file, but that the process is started with, makes a host component stale', () => {
  const heap = property('heap', 'int', { default: { literal: 512 } });
  const port = property('port', 'port', { default: { literal: 80 } });
  const process = {
    ...component('x').process!,
    args: [{ concat: [{ literal: '-p' }, { property: { config: 'p.txt', property: 'port' } }] }],
  };
  const s = service('s', {
    configs: [config('env', [heap], { file: false }), config('p.txt', [port])],
    components: [component('c', { configs: ['env'], process }), component('other', { cardinality: '0+' })],
  });
  const sample = new Sample(cluster({ hosts: ['a'], manifests: [s] }));
  sample.run({ command: 'add', services: [{ service: 's', components: { c: ['a'], other: ['a'] } }] });
  const change = (values: object): CommandRequest =>
    ({ command: 'configure', target: { service: 's' }, config: values }) as CommandRequest;
  expect(found(sample, change({ env: { heap: 256 } }))).toEqual(['c h-a  restart']);
  expect(found(sample, change({ 'p.txt': { port: 81 } }))).toEqual(['c h-a  restart']);
  expect(found(sample, change({ env: { heap: 512 } }))).toEqual([]);
});
