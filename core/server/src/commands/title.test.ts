import type { CommandRequest } from '@stackyard/planner';
import { expect, test } from 'vitest';
import type { Planned } from './planning.ts';
import { titleOf } from './title.ts';

const title = (request: CommandRequest, hosts: number) =>
  titleOf({
    plan: { request, hosts: Array.from({ length: hosts }, (_, index) => `h${index}`) },
    next: { name: 'prod' },
  } as unknown as Planned);

test.each<[CommandRequest, number, string]>([
  [
    { command: 'add', services: [{ service: 'zookeeper' }, { service: 'kafka' }] },
    3,
    'Add zookeeper, kafka on 3 hosts',
  ],
  [{ command: 'start', target: {} }, 2, 'Start cluster prod on 2 hosts'],
  [{ command: 'stop', target: { service: 'zookeeper' } }, 1, 'Stop zookeeper on 1 host'],
  [
    { command: 'restart', target: { service: 'zookeeper', component: 'server', hosts: ['zk1'] } },
    1,
    'Restart server of zk1 on 1 host',
  ],
  [{ command: 'remove', target: { hosts: ['zk1'] }, data: 'keep' }, 1, 'Remove everything of zk1 on 1 host'],
  [{ command: 'configure', target: { service: 'zookeeper' } }, 0, 'Configure zookeeper'],
  [
    { command: 'action', target: { component: 'broker' }, action: 'createTopic' },
    1,
    'Run createTopic of broker on 1 host',
  ],
  [
    { command: 'decommission', target: { component: 'datanode', hosts: ['h3'] } },
    2,
    'Decommission datanode of h3 on 2 hosts',
  ],
])('%j on %i hosts is called "%s"', (request, hosts, expected) => {
  expect(title(request, hosts)).toBe(expected);
});

test('a title fits where it is kept, however many services there are', () => {
  const services = Array.from({ length: 50 }, (_, index) => ({ service: `${'s'.repeat(60)}${index}` }));
  expect(title({ command: 'add', services }, 5_000).length).toBeLessThan(255);
});
