import { expect, test } from 'vitest';
import type { PlanView } from '../api/types.ts';
import { isEmptyPlan, planText } from './plan.ts';
import { colours } from './terminal.ts';

const nothing: PlanView = {
  title: 'Check zookeeper',
  tasks: [],
  edges: [],
  files: [],
  restarts: [],
  hosts: [],
  joiningHosts: [],
  added: [],
  reasons: {},
  removed: [],
  leaving: [],
  returning: [],
  osPackages: [],
  profiles: [],
  java: [],
  danger: null,
  warnings: [],
  skipped: [],
};
const on = (host: string, component = 'zookeeper_server') => ({ host, service: 'zookeeper', component });
const task = (host: string, phase: string, index: number) => ({ ...on(host), index, phase, runsCode: false });
const diff = (host: string) =>
  `--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n dataDir=/srv/${host}/data\n-tickTime=2000\n+tickTime=3000\n`;

const plain = { colours: colours(false) };

test('a change of config shows each distinct diff once, with who restarts and who is skipped', () => {
  const plan: PlanView = {
    ...nothing,
    title: 'Configure zookeeper on 2 hosts',
    hosts: ['zk1', 'zk2'],
    tasks: [task('zk1', 'configure', 0), task('zk1', 'stop', 1), task('zk2', 'configure', 2), task('zk2', 'stop', 3)],
    files: ['zk1', 'zk2'].map((host) => ({
      ...on(host),
      path: `/srv/${host}/zoo.cfg`,
      change: 'change' as const,
      diff: diff(host),
    })),
    restarts: ['zk1', 'zk2'].map((host) => ({ ...on(host), reason: '1 file changed' })),
    skipped: [{ ...on('zk1', 'zookeeper_client'), reason: 'it has no process' }],
    warnings: [{ code: 'EVEN', message: 'Two members survive no failure.' }],
  };
  expect(planText(plan, plain)).toMatchInlineSnapshot(`
    "Configure zookeeper on 2 hosts

      changes /srv/<host>/zoo.cfg on zk1, zk2
          @@ -1,2 +1,2 @@
           dataDir=/srv/<host>/data
          -tickTime=2000
          +tickTime=3000

      ↻ restarts zookeeper_server on zk1, zk2 (1 file changed)

      · skips zookeeper_client on zk1 (it has no process)

      ! Two members survive no failure.

      4 tasks on 2 hosts: configure ×2, stop ×2
    "
  `);
});

test('an addition says where what goes with which number, and new files only when asked for in full', () => {
  const plan: PlanView = {
    ...nothing,
    title: 'Add zookeeper on 1 host',
    hosts: ['zk1'],
    tasks: [task('zk1', 'install', 0)],
    added: [{ ...on('zk1'), ordinal: 4 }],
    files: [
      {
        ...on('zk1'),
        path: '/etc/zoo.cfg',
        change: 'create',
        diff: '--- /dev/null\n+++ b/etc/zoo.cfg\n@@ -0,0 +1 @@\n+tickTime=2000\n',
      },
    ],
  };
  expect(planText(plan, plain)).toContain('+ zookeeper_server  zk1 (#4)');
  expect(planText(plan, plain)).toContain('creates /etc/zoo.cfg on zk1 (1 lines)');
  expect(planText(plan, plain)).not.toContain('tickTime');
  expect(planText(plan, { ...plain, full: true })).toContain('+tickTime=2000');
});

test('a removal names the directories that go and those that stay', () => {
  const gone = { ...on('zk1'), ordinal: 1, directories: ['/var/lib/zookeeper'] };
  expect(planText({ ...nothing, removed: [{ ...gone, data: 'delete' }] }, plain)).toContain(
    'deletes /var/lib/zookeeper on zk1',
  );
  expect(planText({ ...nothing, removed: [{ ...gone, data: 'keep' }] }, plain)).toContain(
    'keeps /var/lib/zookeeper on zk1',
  );
});

test('a plan without tasks, additions and removals is empty', () => {
  expect(isEmptyPlan(nothing)).toBe(true);
  expect(isEmptyPlan({ ...nothing, tasks: [task('zk1', 'check', 0)] })).toBe(false);
});

test('who leaves and comes back, what is installed of the system, and what may be lost is told before anybody says yes', () => {
  const plan: PlanView = {
    ...nothing,
    title: 'Decommission datanode of h3 on 1 host',
    leaving: [{ ...on('h3', 'datanode'), ordinal: 3 }],
    returning: [{ ...on('h2', 'datanode'), ordinal: 2 }],
    osPackages: [
      { host: 'h1', service: 'redis', packages: ['redis-server'], installs: true },
      { host: 'h2', service: 'redis', packages: ['redis-server'], installs: true },
      { host: 'h3', service: 'redis', packages: ['redis-server'], installs: false },
    ],
    danger: 'All data of the broker is lost',
    tasks: [task('h1', 'decommission', 0)],
    hosts: ['h1'],
  };
  expect(planText(plan, plain)).toMatchInlineSnapshot(`
    "Decommission datanode of h3 on 1 host

      → datanode  h3 (#3) (is emptied, to be removed)

      ← datanode  h2 (#2) (is taken in again)

      installs redis-server of the operating system on h1, h2, where missing
      needs redis-server of the operating system on h3; its agent cannot install them

      ! All data of the broker is lost

      1 task on 1 host: decommission ×1
    "
  `);
  expect(isEmptyPlan({ ...nothing, leaving: plan.leaving })).toBe(false);
});

test('says which Java a service will use where, and why one is brought', () => {
  const java = (host: string, packaged: boolean, reason: string) => ({
    host,
    service: 'zookeeper',
    home: packaged ? `/srv/${host}/opt/stackyard/java-runtime-21.0.8` : '/usr/lib/jvm/java-17',
    version: packaged ? '21.0.8' : '17.0.15',
    packaged,
    reason,
  });
  const none = (host: string) => `${host} has no Java, and zookeeper needs >=11`;
  const plan: PlanView = {
    ...nothing,
    java: [java('zk1', false, 'zk1 has it'), java('zk2', true, none('zk2')), java('zk3', true, none('zk3'))],
  };
  expect(planText(plan, plain)).toMatchInlineSnapshot(`
    "Check zookeeper

      uses Java 17.0.15 in /usr/lib/jvm/java-17 on zk1
      brings Java 21.0.8 in /srv/<host>/opt/stackyard/java-runtime-21.0.8 on zk2, zk3 (each has no Java, and zookeeper needs >=11)

      No task: nothing is to be done on any host.
    "
  `);
});

test('shows what a profile sets', () => {
  const values = { 'zookeeper-env': { heap: 48, jvmOptions: ['-Xss256k'] }, 'zoo.cfg': { level: 'WARN' } };
  const plan: PlanView = {
    ...nothing,
    profiles: [{ service: 'zookeeper', profile: 'small', help: 'Members on one machine', values }],
  };
  expect(planText(plan, plain).split('\n')[2]).toBe(
    '  zookeeper by its profile small: zookeeper-env/heap=48, zookeeper-env/jvmOptions=["-Xss256k"], zoo.cfg/level=WARN (Members on one machine)',
  );
});
