import { expect, test } from 'vitest';
import type { CommandRequest } from '../command.ts';
import { Sample, cluster, component, service, zookeeper } from '../testing/sample.ts';
import { describePlan } from './describe.ts';

const servers = ['zk1', 'zk2', 'zk3'];
const addZooKeeper: CommandRequest = {
  command: 'add',
  services: [{ service: 'zookeeper', components: { zookeeper_server: servers, zookeeper_client: ['zk1'] } }],
};

test('adding an ensemble of three starts every member before any is checked', () => {
  const sample = new Sample();
  expect(describePlan(sample.plan(addZooKeeper), { hosts: sample.hostNames() })).toMatchInlineSnapshot(`
    "add: 14 tasks on 3 hosts
      1  install    zookeeper/zookeeper_server  zk1, zk2, zk3
      1  install    zookeeper/zookeeper_client  zk1
      2  configure  zookeeper/zookeeper_server  zk1, zk2, zk3
      2  configure  zookeeper/zookeeper_client  zk1
      3  start      zookeeper/zookeeper_server  zk1, zk2, zk3
      4  check      zookeeper/zookeeper_server  zk1, zk2, zk3"
  `);
});

test('a changed property restarts the members of a rolling component one after the other', () => {
  const sample = new Sample();
  sample.run(addZooKeeper);
  const plan = sample.plan({
    command: 'configure',
    target: { service: 'zookeeper' },
    config: { 'zoo.cfg': { tickTime: 2000 } },
  });
  expect(describePlan(plan, { hosts: sample.hostNames() })).toMatchInlineSnapshot(`
    "configure: 13 tasks on 3 hosts
       1  configure  zookeeper/zookeeper_server  zk1
       1  configure  zookeeper/zookeeper_client  zk1
       2  stop       zookeeper/zookeeper_server  zk1
       3  start      zookeeper/zookeeper_server  zk1
       4  check      zookeeper/zookeeper_server  zk1
       5  configure  zookeeper/zookeeper_server  zk2
       6  stop       zookeeper/zookeeper_server  zk2
       7  start      zookeeper/zookeeper_server  zk2
       8  check      zookeeper/zookeeper_server  zk2
       9  configure  zookeeper/zookeeper_server  zk3
      10  stop       zookeeper/zookeeper_server  zk3
      11  start      zookeeper/zookeeper_server  zk3
      12  check      zookeeper/zookeeper_server  zk3"
  `);
});

test('a fourth member joins the three before these take turns, so that every restart finds a majority', () => {
  const sample = new Sample(cluster({ hosts: [...servers, 'a-sorts-first'] }));
  sample.run(addZooKeeper);
  const plan = sample.plan({
    command: 'add',
    services: [{ service: 'zookeeper', components: { zookeeper_server: ['a-sorts-first'] } }],
  });
  expect(describePlan(plan, { hosts: sample.hostNames() })).toMatchInlineSnapshot(`
    "add: 17 tasks on 4 hosts
       1  install    zookeeper/zookeeper_server  a-sorts-first
       1  configure  zookeeper/zookeeper_client  zk1
       2  configure  zookeeper/zookeeper_server  a-sorts-first
       3  start      zookeeper/zookeeper_server  a-sorts-first
       4  check      zookeeper/zookeeper_server  a-sorts-first
       5  configure  zookeeper/zookeeper_server  zk1
       6  stop       zookeeper/zookeeper_server  zk1
       7  start      zookeeper/zookeeper_server  zk1
       8  check      zookeeper/zookeeper_server  zk1
       9  configure  zookeeper/zookeeper_server  zk2
      10  stop       zookeeper/zookeeper_server  zk2
      11  start      zookeeper/zookeeper_server  zk2
      12  check      zookeeper/zookeeper_server  zk2
      13  configure  zookeeper/zookeeper_server  zk3
      14  stop       zookeeper/zookeeper_server  zk3
      15  start      zookeeper/zookeeper_server  zk3
      16  check      zookeeper/zookeeper_server  zk3"
  `);
});

test('two members beside a single one start after it, so that they can never outvote its data', () => {
  const sample = new Sample();
  sample.run({
    command: 'add',
    services: [{ service: 'zookeeper', components: { zookeeper_server: ['zk1'], zookeeper_client: [] } }],
  });
  const plan = sample.plan({
    command: 'add',
    services: [{ service: 'zookeeper', components: { zookeeper_server: ['zk2', 'zk3'], zookeeper_client: [] } }],
  });
  expect(describePlan(plan, { hosts: sample.hostNames() })).toMatchInlineSnapshot(`
    "add: 12 tasks on 3 hosts
      1  install    zookeeper/zookeeper_server  zk2, zk3
      2  configure  zookeeper/zookeeper_server  zk2, zk3
      3  configure  zookeeper/zookeeper_server  zk1
      4  stop       zookeeper/zookeeper_server  zk1
      5  start      zookeeper/zookeeper_server  zk1
      6  start      zookeeper/zookeeper_server  zk2, zk3
      7  check      zookeeper/zookeeper_server  zk2, zk3, zk1"
  `);
});

test('a service stops before the one that it requires, and starts after it', () => {
  const broker = service('broker', {
    requires: { services: [{ service: 'zookeeper', range: '>=3.8' }] },
    components: [component('broker')],
  });
  const sample = new Sample(cluster({ manifests: [zookeeper, broker] }));
  sample.run({ command: 'add', services: [{ service: 'broker' }, { service: 'zookeeper' }] });
  const hosts = sample.hostNames();
  expect(describePlan(sample.run({ command: 'stop', target: {} }), { hosts })).toMatchInlineSnapshot(`
    "stop: 6 tasks on 3 hosts
      1  stop       broker/broker               zk1, zk2, zk3
      2  stop       zookeeper/zookeeper_server  zk1, zk2, zk3
      skipped: 3 host components, it has no process to stop"
  `);
  expect(describePlan(sample.run({ command: 'start', target: {} }), { hosts })).toMatchInlineSnapshot(`
    "start: 12 tasks on 3 hosts
      1  start      zookeeper/zookeeper_server  zk1, zk2, zk3
      2  check      zookeeper/zookeeper_server  zk1, zk2, zk3
      3  start      broker/broker               zk1, zk2, zk3
      4  check      broker/broker               zk1, zk2, zk3
      skipped: 3 host components, it has no process to start"
  `);
});

test('a member that leaves stops first, the others take turns, and its files go after the stop', () => {
  const sample = new Sample();
  sample.run(addZooKeeper);
  const plan = sample.plan({
    command: 'remove',
    target: { component: 'zookeeper_server', hosts: ['zk3'] },
    data: 'keep',
  });
  expect(describePlan(plan, { hosts: sample.hostNames() })).toMatchInlineSnapshot(`
    "remove: 11 tasks on 3 hosts
      1  stop       zookeeper/zookeeper_server  zk3
      1  configure  zookeeper/zookeeper_client  zk1
      2  remove     zookeeper/zookeeper_server  zk3
      2  configure  zookeeper/zookeeper_server  zk1
      3  stop       zookeeper/zookeeper_server  zk1
      4  start      zookeeper/zookeeper_server  zk1
      5  check      zookeeper/zookeeper_server  zk1
      6  configure  zookeeper/zookeeper_server  zk2
      7  stop       zookeeper/zookeeper_server  zk2
      8  start      zookeeper/zookeeper_server  zk2
      9  check      zookeeper/zookeeper_server  zk2"
  `);
});
