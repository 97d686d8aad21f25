import { expect, test } from 'vitest';
import type { ComponentManifest, ServiceManifest, StackManifest } from '@stackyard/sdk/manifest';
import { checkManifest } from './checkManifest.ts';
import { component, config, property, service, zookeeper } from './testing/sample.ts';

function stack(...services: ServiceManifest[]): StackManifest {
  return { format: 1, name: '@stack/x', version: '1.0.0', sdk: '*', title: 'X', services };
}

function after(name: string, ...dependencies: [phase: string, on: string, after: string][]): ComponentManifest {
  return component(name, {
    after: dependencies.map(([phase, on, after]) => ({ phase, on, after })) as ComponentManifest['after'],
  });
}

test('a sound manifest has nothing to say', () => {
  expect(checkManifest(stack(zookeeper))).toEqual([]);
});

test('a cycle is told with its path', () => {
  const [problem] = checkManifest(
    stack(
      service('hdfs', {
        components: [
          after('namenode', ['start', 'journalnode', 'check']),
          after('journalnode', ['start', 'datanode', 'start']),
          after('datanode', ['start', 'namenode', 'start']),
        ],
      }),
    ),
  );
  expect(problem?.message).toMatchInlineSnapshot(
    `"These wait for each other: hdfs/datanode start → hdfs/journalnode start → hdfs/journalnode check → hdfs/namenode start → hdfs/datanode start. Drop one of the dependencies."`,
  );
});

test('a step that waits for itself, or for a later step of its own component, is a cycle', () => {
  const loop = checkManifest(stack(service('a', { components: [after('x', ['start', 'x', 'start'])] })));
  const late = checkManifest(stack(service('a', { components: [after('x', ['start', 'x', 'check'])] })));
  expect([...loop, ...late].map(({ message }) => message)).toMatchInlineSnapshot(`
    [
      "These wait for each other: a/x start → a/x start. Drop one of the dependencies.",
      "These wait for each other: a/x prepare → a/x check → a/x start → a/x prepare. Drop one of the dependencies.",
    ]
  `);
});

test('a dependency on what there is not is told, with the nearest name', () => {
  const problems = checkManifest(
    stack(service('a', { components: [after('server', ['start', 'wroker', 'start']), component('worker')] })),
  );
  expect(problems).toMatchInlineSnapshot(`
    [
      {
        "code": "DEPENDENCY_MISSING",
        "message": "a/server start waits for wroker, which there is not; did you mean "worker"?",
        "pointer": "/services/0/components/0/after/0/on",
      },
    ]
  `);
});

test('a component of a required service of another stack is left to the cluster', () => {
  const dependent = service('a', {
    requires: { services: [{ service: 'zookeeper', range: '*' }] },
    components: [after('server', ['start', 'zookeeper/zookeeper_server', 'start'])],
  });
  expect(checkManifest(stack(dependent))).toEqual([]);
  expect(checkManifest(stack({ ...dependent, requires: { services: [] } }))).toHaveLength(1);
});

test('names, ranges and imports are checked', () => {
  const faulty = service('a', {
    requires: { jdk: 'eleven', services: [{ service: 'b', range: '>>1' }] },
    configs: [
      config('a.cfg', [
        property('connect', 'text', { default: { import: { service: 'zookeeper', export: 'connect' } } }),
      ]),
    ],
    components: [component('server', { configs: ['b.cfg'], notWith: [{ component: 'nobody' }] }), component('server')],
  });
  expect(checkManifest(stack(faulty)).map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
    'NAME_TWICE /services/0/components/1',
    'NAME_UNKNOWN /services/0/components/0/configs/0',
    'NAME_UNKNOWN /services/0/components/0/notWith/0',
    'RANGE_INVALID /services/0/requires/jdk',
    'RANGE_INVALID /services/0/requires/services/0/range',
    'REQUIRES_MISSING /services/0/requires/services',
  ]);
});
