import type { ComponentManifest } from '@stackyard/sdk/manifest';
import { expect, test } from 'vitest';
import type { CommandRequest } from '../command.ts';
import { PlanRefusedError } from '../errors.ts';
import type { Plan } from '../plan.ts';
import { client, cluster, component, config, property, Sample, service, zookeeper } from '../testing/sample.ts';
import { describePlan } from './describe.ts';

const add: CommandRequest = { command: 'add', services: [{ service: 'zookeeper' }] };

function running(...components: ComponentManifest[]): Sample {
  const sample = sampleOf(...components);
  sample.run({ command: 'add', services: [{ service: 's', components: everywhere(components) }] });
  return sample;
}

function sampleOf(...components: ComponentManifest[]): Sample {
  return new Sample(cluster({ hosts: ['a', 'b'], manifests: [service('s', { components })] }));
}

function everywhere(components: readonly ComponentManifest[]): Record<string, string[]> {
  return Object.fromEntries(components.map(({ name }) => [name, ['a', 'b']]));
}

function lines(plan: Plan): string[] {
  return plan.tasks.map(({ component, hostId, phase }) => `${component} ${hostId.slice(2)} ${phase}`);
}

function reasons({ skipped }: Plan): string[] {
  return [...new Set(skipped.map(({ reason }) => reason))];
}

test('a task carries what its phase says in the manifest', () => {
  const slow = component('slow', {
    lifecycle: ['start', 'check'],
    timeouts: { start: 5, check: 0.5 },
    idempotent: { start: false },
  });
  const plan = sampleOf(slow).plan({ command: 'add', services: [{ service: 's', components: { slow: ['a'] } }] });
  const told = plan.tasks.map((it) => `${it.phase} ${it.timeoutMs} ${it.idempotent} ${it.runsCode}`);
  expect(told).toEqual(['install 600000 true false', 'start 5000 false true', 'check 500 true true']);
});

test('init runs on each host before the first start, prepare once on the lowest ordinal after all of them', () => {
  const components = [component('c', { lifecycle: ['init', 'prepare', 'check'] })];
  const sample = sampleOf(...components);
  const plan = sample.run({ command: 'add', services: [{ service: 's', components: everywhere(components) }] });
  expect(describePlan(plan, { hosts: sample.hostNames() })).toMatchInlineSnapshot(`
    "add: 9 tasks on 2 hosts
      1  install    s/c  a, b
      2  init       s/c  a, b
      3  start      s/c  a, b
      4  prepare    s/c  a
      5  check      s/c  a, b"
  `);
  expect(lines(sample.plan({ command: 'restart', target: {} }))).not.toContain('c a init');
});

test('a start makes up for what a failed add did not come to', () => {
  const sample = running(component('c', { lifecycle: ['init', 'prepare'] }));
  sample.run({ command: 'stop', target: {} });
  sample.change((it) => ({ ...it, once: it.ordinal === 1 ? ['init'] : [] }));
  expect(lines(sample.plan({ command: 'start', target: {} }))).toEqual([
    'c a start',
    'c a prepare',
    'c b init',
    'c b start',
  ]);
});

test('an order holds also through a component that has nothing to do', () => {
  const sample = sampleOf(
    component('first'),
    client('between', { lifecycle: [], after: [{ on: 'first', phase: 'start', after: 'start' }] }),
    component('last', { after: [{ on: 'between', phase: 'start', after: 'check' }] }),
  );
  const plan = sample.plan({
    command: 'add',
    services: [{ service: 's', components: { first: ['a'], between: [], last: ['b'] } }],
  });
  expect(describePlan(plan, { hosts: sample.hostNames() })).toMatchInlineSnapshot(`
    "add: 6 tasks on 2 hosts
      1  install    s/first  a
      1  install    s/last   b
      2  start      s/first  a
      3  check      s/first  a
      3  start      s/last   b
      4  check      s/last   b"
  `);
});

test('a full restart stops everything in reverse, then starts it in order', () => {
  const sample = running(
    component('base'),
    component('top', { after: [{ on: 'base', phase: 'start', after: 'start' }] }),
  );
  const plan = sample.plan({ command: 'restart', target: {} });
  expect(describePlan(plan, { hosts: sample.hostNames() })).toMatchInlineSnapshot(`
    "restart: 12 tasks on 2 hosts
      1  stop       s/top   a, b
      2  stop       s/base  a, b
      3  start      s/base  a, b
      4  check      s/base  a, b
      4  start      s/top   a, b
      5  check      s/top   a, b"
  `);
});

test('what depends on members that take turns stops only once they are through', () => {
  const sample = running(
    component('base', { rolling: true }),
    component('top', { after: [{ on: 'base', phase: 'start', after: 'start' }] }),
  );
  const plan = sample.plan({ command: 'restart', target: {} });
  expect(describePlan(plan, { hosts: sample.hostNames() })).toMatchInlineSnapshot(`
    "restart: 12 tasks on 2 hosts
      1  stop       s/base  a
      2  start      s/base  a
      3  check      s/base  a
      4  stop       s/base  b
      5  start      s/base  b
      6  check      s/base  b
      7  stop       s/top   a, b
      8  start      s/top   a, b
      9  check      s/top   a, b"
  `);
});

test('what needs nothing is left alone, with the reason', () => {
  const sample = running(component('c'), client('tool'));
  expect(reasons(sample.plan({ command: 'start', target: {} }))).toEqual([
    'it already runs',
    'it has no process to start',
  ]);
  expect(reasons(sample.plan({ command: 'configure', target: {} }))).toEqual(['it already runs this version']);
  expect(reasons(sample.plan({ command: 'check', target: {} }))).toEqual(['it declares no check']);
  sample.run({ command: 'stop', target: {} });
  expect(reasons(sample.plan({ command: 'stop', target: { component: 'c' } }))).toEqual(['it is already stopped']);
  expect(reasons(sample.plan({ command: 'check', target: { component: 'c' } }))).toEqual(['it does not run']);
  sample.change((it) => ({ ...it, desired: 'ABSENT' }));
  expect(reasons(sample.plan({ command: 'start', target: {} }))[0]).toContain('it is not installed');
});

test('a stopped component is only configured, and a changed property without effect restarts nothing', () => {
  const configure = (values: object): CommandRequest =>
    ({
      command: 'configure',
      target: { service: 'zookeeper', component: 'zookeeper_server' },
      config: { 'zoo.cfg': values },
    }) as CommandRequest;
  const sample = new Sample();
  sample.run(add);
  expect(new Set(sample.plan(configure({ note: 'x' })).tasks.map(({ phase }) => phase))).toEqual(
    new Set(['configure']),
  );
  sample.run({ command: 'stop', target: {} });
  const plan = sample.plan(configure({ tickTime: 2000 }));
  expect(new Set(plan.tasks.map(({ phase }) => phase))).toEqual(new Set(['configure']));
  expect(plan.restarts).toEqual([]);
});

test('values can be saved without being applied', () => {
  const sample = new Sample();
  sample.run(add);
  const plan = sample.run({
    command: 'configure',
    target: { service: 'zookeeper' },
    config: { 'zoo.cfg': { tickTime: 2000 } },
    restart: false,
  });
  expect(plan.tasks).toEqual([]);
  expect(reasons(plan)).toEqual(['the values are saved only']);
  const later = sample.plan({ command: 'configure', target: { hosts: ['zk1'] } });
  expect(later.hosts).toEqual(['h-zk1']);
  expect(later.warnings.map(({ message }) => message)).toEqual([
    '4 host components of zookeeper (zookeeper_server, zookeeper_client) will run files that are not the newest. Configure zookeeper when it suits.',
  ]);
});

test('values that were only saved are written before what is started or restarted comes up', () => {
  const sample = new Sample();
  sample.run(add);
  const config = { 'zoo.cfg': { tickTime: 2000 } };
  sample.run({ command: 'configure', target: { service: 'zookeeper' }, config, restart: false });
  const phases = (command: 'restart' | 'stop' | 'check') =>
    sample.plan({ command, target: { component: 'zookeeper_server', hosts: ['zk1'] } }).tasks.map(({ phase }) => phase);
  expect(phases('restart')).toEqual(['configure', 'stop', 'start', 'check']);
  expect(phases('stop')).toEqual(['stop']);
  expect(phases('check')).toEqual(['check']);
});

test('a change that reaches another service is told, and done only where it is asked for', () => {
  const kafka = service('kafka', {
    requires: { services: [{ service: 'zookeeper', range: '*' }] },
    configs: [
      config('k.cfg', [
        property('connect', 'text', { default: { import: { service: 'zookeeper', export: 'connect' } } }),
      ]),
    ],
    components: [component('broker', { configs: ['k.cfg'] })],
  });
  const sample = new Sample(cluster({ hosts: ['zk1', 'zk2', 'zk3', 'zk4'], manifests: [zookeeper, kafka] }));
  sample.run({ command: 'add', services: [{ service: 'zookeeper' }, { service: 'kafka' }] });
  const plan = sample.run({
    command: 'add',
    services: [{ service: 'zookeeper', components: { zookeeper_server: ['zk4'] } }],
  });
  expect(plan.tasks.some(({ service }) => service === 'kafka')).toBe(false);
  expect(plan.warnings.map(({ code }) => code)).toEqual(['STALE']);
  expect(sample.plan({ command: 'configure', target: { service: 'kafka' } }).restarts).toHaveLength(3);
});

test('a member whose host does not answer is left for later when others are added, and refused when it is asked for', () => {
  const sample = new Sample(cluster({ hosts: ['zk1', 'zk2', 'zk3', 'zk4'] }));
  sample.run(add);
  const hosts = sample.state.hosts.map((it) => (it.name === 'zk3' ? { ...it, reachable: false } : it));
  sample.state = { ...sample.state, hosts };
  const plan = sample.plan({
    command: 'add',
    services: [{ service: 'zookeeper', components: { zookeeper_server: ['zk4'] } }],
  });
  expect(plan.hosts).not.toContain('h-zk3');
  expect(reasons(plan)).toEqual(['its host does not answer: configure it when it is back']);
  const configure: CommandRequest = {
    command: 'configure',
    target: { service: 'zookeeper' },
    config: { 'zoo.cfg': { tickTime: 2000 } },
  };
  expect(() => sample.plan(configure)).toThrow(PlanRefusedError);
});

test('removal stops before it removes, carries what becomes of the data, and skips the stop of what is stopped', () => {
  const sample = running(component('c'));
  const remove: CommandRequest = { command: 'remove', target: { service: 's' }, data: 'delete' };
  const plan = sample.plan(remove);
  expect(lines(plan)).toEqual(['c a stop', 'c a remove', 'c b stop', 'c b remove']);
  expect(plan.tasks.filter(({ phase }) => phase === 'remove').map(({ data }) => data)).toEqual(['delete', 'delete']);
  sample.run({ command: 'stop', target: {} });
  expect(lines(sample.plan(remove))).toEqual(['c a remove', 'c b remove']);
});

test('starting before what is required, or stopping it below others, is allowed with a warning', () => {
  const base = service('base', { components: [component('base')] });
  const top = service('top', {
    requires: { services: [{ service: 'base', range: '*' }] },
    components: [component('top')],
  });
  const sample = new Sample(cluster({ hosts: ['a'], manifests: [base, top] }));
  sample.run({ command: 'add', services: [{ service: 'base' }, { service: 'top' }] });
  expect(sample.run({ command: 'stop', target: { service: 'base' } }).warnings.map(({ code }) => code)).toEqual([
    'STILL_USED',
  ]);
  sample.run({ command: 'stop', target: {} });
  expect(sample.plan({ command: 'start', target: { service: 'top' } }).warnings.map(({ code }) => code)).toEqual([
    'REQUIRED_DOWN',
  ]);
});

test('a thousand hosts give a graph that grows with them, not with their square', () => {
  const hosts = Array.from({ length: 1000 }, (_, index) => `n${index}`);
  const sample = new Sample(
    cluster({ hosts, manifests: [service('s', { components: [component('c', { cardinality: 'all' })] })] }),
  );
  const { graph, tasks } = sample.plan({ command: 'add', services: [{ service: 's' }] });
  expect(tasks).toHaveLength(3000);
  expect(graph.targets.length).toBeLessThan(5000);
});

test('a change that asks for a reload is one only where the component can, and takes no turns', () => {
  const phasesOf = (lifecycle: ComponentManifest['lifecycle'], effect: 'reload' | 'restart'): string[] => {
    const made = service('s', {
      configs: [
        config('c.cfg', [
          property('a', 'int', { default: { literal: 1 }, effect }),
          property('b', 'int', { default: { literal: 1 }, effect: 'reload' }),
        ]),
      ],
      components: [component('c', { configs: ['c.cfg'], lifecycle, rolling: true })],
    });
    const sample = new Sample(cluster({ hosts: ['a', 'b'], manifests: [made] }));
    sample.run({ command: 'add', services: [{ service: 's', components: { c: ['a', 'b'] } }] });
    const plan = sample.plan({ command: 'configure', target: { service: 's' }, config: { 'c.cfg': { a: 2, b: 2 } } });
    return lines(plan);
  };
  expect(phasesOf(['reload'], 'reload')).toEqual(['c a configure', 'c a reload', 'c b configure', 'c b reload']);
  expect(phasesOf(['reload'], 'restart')).toContain('c a stop');
  expect(phasesOf([], 'reload')).toContain('c a stop');
});

test('members that reload have heard of new ones before these start', () => {
  const made = service('s', {
    configs: [
      config('c.cfg', [property('n', 'int', { default: { count: 'c' }, effect: 'reload' })], { effect: 'reload' }),
    ],
    components: [component('c', { configs: ['c.cfg'], lifecycle: ['reload'] })],
  });
  const sample = new Sample(cluster({ hosts: ['a', 'b'], manifests: [made] }));
  sample.run({ command: 'add', services: [{ service: 's', components: { c: ['a'] } }] });
  const plan = sample.plan({ command: 'add', services: [{ service: 's', components: { c: ['b'] } }] });
  expect(describePlan(plan, { hosts: sample.hostNames() })).toMatchInlineSnapshot(`
    "add: 5 tasks on 2 hosts
      1  configure  s/c  a
      1  install    s/c  b
      2  configure  s/c  b
      3  reload     s/c  a
      4  start      s/c  b"
  `);
});

/** A store whose broker starts after its head, and takes its turns before it. */
const inTurns = [
  component('head', { rolling: true, lastRole: 'leader', turnsAfter: 'broker' }),
  component('broker', {
    rolling: true,
    lifecycle: ['check', 'settle'],
    timeouts: { settle: 90 },
    after: [{ on: 'head', phase: 'start', after: 'start' }],
  }),
];

test('who has had its turn settles before the next one has its own, and a component may have its turns after another', () => {
  const sample = running(...inTurns);
  sample.change((it) => (it.component === 'head' && it.ordinal === 1 ? { ...it, role: 'leader' } : it));
  const plan = sample.plan({ command: 'restart', target: {} });
  expect(describePlan(plan, { hosts: sample.hostNames() })).toMatchInlineSnapshot(`
    "restart: 14 tasks on 2 hosts
       1  stop       s/broker  a
       2  start      s/broker  a
       3  check      s/broker  a
       4  settle     s/broker  a
       5  stop       s/broker  b
       6  start      s/broker  b
       7  check      s/broker  b
       8  settle     s/broker  b
       9  stop       s/head    b
      10  start      s/head    b
      11  check      s/head    b
      12  stop       s/head    a
      13  start      s/head    a
      14  check      s/head    a"
  `);
  expect(plan.tasks.find(({ phase }) => phase === 'settle')).toMatchObject({ timeoutMs: 90_000, runsCode: true });
  expect(lines(sample.plan({ command: 'check', target: {} }))).not.toContain('broker a settle');
});

test('with batches, that something has not settled is not tolerated', () => {
  const sample = running(...inTurns);
  const { tasks, turns } = sample.plan({
    command: 'restart',
    target: { component: 'broker' },
    rolling: { batch: 1, tolerate: 1 },
  });
  const firm = turns?.sequences.flatMap((sequence) =>
    sequence.map((batch) => batch.firm?.map((task) => tasks[task]?.phase)),
  );
  expect(firm).toEqual([['settle'], ['settle']]);
});

test('where fresh ones outnumber those that restart, the last of these is checked and settles after they started', () => {
  const made = service('s', {
    configs: [config('c.cfg', [property('n', 'int', { default: { count: 'c' } })])],
    components: [component('c', { configs: ['c.cfg'], lifecycle: ['check', 'settle'], rolling: true })],
  });
  const sample = new Sample(cluster({ hosts: ['a', 'b'], manifests: [made] }));
  sample.run({ command: 'add', services: [{ service: 's', components: { c: ['a'] } }] });
  const plan = sample.plan({ command: 'add', services: [{ service: 's', components: { c: ['b'] } }] });
  expect(describePlan(plan, { hosts: sample.hostNames() })).toMatchInlineSnapshot(`
    "add: 9 tasks on 2 hosts
      1  install    s/c  b
      2  configure  s/c  b
      3  configure  s/c  a
      4  stop       s/c  a
      5  start      s/c  a
      6  start      s/c  b
      7  check      s/c  b, a
      8  settle     s/c  a"
  `);
});
