import { expect, test } from 'vitest';
import type { Expression } from '@stackyard/sdk/manifest';
import type { CommandRequest } from '../command.ts';
import { PlanRefusedError } from '../errors.ts';
import type { ClusterState } from '../state.ts';
import {
  client,
  cluster,
  component,
  config,
  host,
  ids,
  property,
  Sample,
  service,
  zookeeper,
} from '../testing/sample.ts';
import { layout } from './layout.ts';

const inCluster = { clusterId: 'c1' };

/** `code pointer` of every problem, or nothing where the command is fine. */
function problems(state: ClusterState, request: CommandRequest): string[] {
  return refusal(state, request).map(({ code, pointer }) => `${code} ${pointer}`);
}

function refusal(state: ClusterState, request: CommandRequest): PlanRefusedError['problems'] {
  try {
    layout(state, request, { newId: ids() });
    return [];
  } catch (error) {
    if (error instanceof PlanRefusedError) return error.problems;
    throw error;
  }
}

function add(components?: Record<string, string[]>, more: object = {}): CommandRequest {
  return { command: 'add', services: [{ service: 'zookeeper', components, ...more }] };
}

/** A cluster with a running ensemble on zk1, zk2, zk3. */
function running(state: ClusterState = cluster()): ClusterState {
  const sample = new Sample(state);
  sample.run(add({ zookeeper_server: ['zk1', 'zk2', 'zk3'] }));
  return sample.state;
}

test('all problems of a request are told at once, each with where it is', () => {
  const state = cluster({ hosts: ['zk1', host('other', { clusterId: 'c2' }), host('zk9', { reachable: false })] });
  const request = add(
    { zookeeper_server: ['zk1', 'zk1', 'zk8', 'other', 'zk9'], zookeeper_serve: [] },
    { config: { 'zoo.cfg': { tickTime: 5 } } },
  );
  expect(refusal(state, request).map(({ pointer, message }) => `${pointer}: ${message}`)).toMatchInlineSnapshot(`
    [
      "/services/0/components/zookeeper_server/1: Host zk1 is named twice for zookeeper_server. Name it once.",
      "/services/0/components/zookeeper_server/2: There is no host zk8; did you mean "zk1"? Start an agent on it first.",
      "/services/0/components/zookeeper_server/3: Host other belongs to another cluster than demo. Remove it there first, or name another host.",
      "/services/0/components/zookeeper_serve: Service zookeeper has no component zookeeper_serve; did you mean "zookeeper_server"?",
      "/services/0/config/zoo.cfg/tickTime: tickTime of zoo.cfg is 5; it must be at least 100.",
      "/services/0/components/zookeeper_server/4: Host zk9 does not answer. Check the agent on it, or leave the host out.",
    ]
  `);
});

test('what a request names must exist, and the nearest name is suggested', () => {
  const state = running();
  const cases: [CommandRequest, string][] = [
    [{ command: 'add', services: [{ service: 'zookeper' }] }, 'did you mean "zookeeper"?'],
    [{ command: 'add', services: [{ service: 'zookeeper', stack: '@stack/simple' }] }, 'Leave out "stack"'],
    [{ command: 'add', services: [{ service: 'kafka', stack: '@stack/simple' }] }, 'did you mean "@stack/sample"?'],
    [{ command: 'add', services: [{ service: 'kafka', version: '9.9.9' }] }, 'there is @stack/sample 1.0.0'],
    [{ command: 'start', target: { service: 'zookeper' } }, 'did you mean "zookeeper"?'],
    [{ command: 'start', target: { component: 'zookeeper_serve' } }, 'did you mean "zookeeper_server"?'],
    [{ command: 'start', target: { hosts: ['zk4'] } }, 'There is no host zk4; did you mean "zk1"?'],
    [{ command: 'start', target: { hosts: ['zk1', 'zk1'] } }, 'Name it once'],
  ];
  for (const [request, sentence] of cases) expect(refusal(state, request)[0]?.message).toContain(sentence);
});

test('a service offered by two stacks needs the stack, and the newest version of one is taken', () => {
  const state = cluster();
  const stacks = ['@stack/a 1.9.0', '@stack/a 1.10.0', '@stack/b 1.0.0'].map((it) => {
    const [name = '', version = ''] = it.split(' ');
    return { name, version, digest: it, services: [zookeeper] };
  });
  expect(problems({ ...state, stacks }, add())).toEqual(['STACK_AMBIGUOUS /services/0/service']);
  const { next } = layout({ ...state, stacks }, add(undefined, { stack: '@stack/a' }), { newId: ids() });
  expect(next.services[0]?.stack.version).toBe('1.10.0');
});

test('hosts of no cluster join it', () => {
  const state = cluster({ hosts: [host('zk1'), host('zk2')] });
  const { change, next } = layout(state, add({ zookeeper_server: ['zk2'] }), { newId: ids() });
  expect(change.joiningHosts).toEqual(['h-zk2']);
  expect(next.hosts.map(({ clusterId }) => clusterId)).toEqual([undefined, 'c1']);
});

test('a service that is there is not added again, nor a component to its host', () => {
  const state = running();
  expect(problems(state, add())).toEqual(['SERVICE_EXISTS /services/0/service']);
  expect(problems(state, add({ zookeeper_server: ['zk2'] }))).toEqual([
    'COMPONENT_EXISTS /services/0/components/zookeeper_server/0',
  ]);
});

test('what was never installed is taken up again with its id and ordinal', () => {
  const sample = new Sample(running());
  sample.change((it) => (it.ordinal === 2 ? { ...it, desired: 'ABSENT', observed: 'UNKNOWN' } : it));
  const plan = sample.run(add({ zookeeper_server: ['zk2'] }));
  const second = sample.hostComponents().find(({ ordinal }) => ordinal === 2)!;
  expect(plan.tasks.filter(({ phase }) => phase === 'install').map((it) => it.hostComponentId)).toEqual([second.id]);
  expect(sample.hostComponents()).toHaveLength(6);
});

test('cardinality is kept by add and by remove', () => {
  const one = service('one', { components: [component('single', { cardinality: '1' })] });
  const range = service('range', { components: [component('few', { cardinality: '2-3' })] });
  const all = service('all', { components: [component('everywhere', { cardinality: 'all' })] });
  const state = cluster({ hosts: ['a', 'b', 'c', 'd'], manifests: [one, range, all] });
  const place = (service: string, name: string, hosts: string[]): CommandRequest => ({
    command: 'add',
    services: [{ service, components: { [name]: hosts } }],
  });
  expect(problems(state, place('one', 'single', []))).toEqual(['CARDINALITY /services/0/components/single']);
  expect(problems(state, place('one', 'single', ['a', 'b']))).toEqual(['CARDINALITY /services/0/components/single']);
  expect(problems(state, place('range', 'few', ['a', 'b', 'c']))).toEqual([]);
  expect(problems(state, place('range', 'few', ['a', 'b', 'c', 'd']))).toHaveLength(1);
  expect(refusal(state, place('all', 'everywhere', ['a', 'c']))[0]?.message).toContain('b, d would be without it');
  const sample = new Sample(state);
  sample.run(place('range', 'few', ['a', 'b']));
  const remove: CommandRequest = { command: 'remove', target: { service: 'range', hosts: ['b'] }, data: 'keep' };
  expect(problems(sample.state, remove)).toEqual(['CARDINALITY /target']);
  expect(problems(sample.state, { ...remove, target: { service: 'range' } })).toEqual([]);
});

test('a rule between components is kept by add and by remove, in the words of its author', () => {
  const count = (component: string): Expression => ({ count: component });
  const several: Expression = { op: 'gt', of: [count('head'), { literal: 1 }] };
  const none: Expression = { op: 'eq', of: [count('log'), { literal: 0 }] };
  const message = 'Two heads share a log. Place one.';
  const components = [component('head', { cardinality: '1-2' }), component('log', { cardinality: '0+' })];
  const pair = service('pair', { components, rules: [{ refuse: { op: 'and', of: [several, none] }, message }] });
  const state = cluster({ hosts: ['a', 'b'], manifests: [pair] });
  const place = (head: string[], log: string[]): CommandRequest => ({
    command: 'add',
    services: [{ service: 'pair', components: { head, log } }],
  });
  expect(refusal(state, place(['a', 'b'], []))).toMatchObject([
    { code: 'RULE', message, pointer: '/services/0/components' },
  ]);
  expect(problems(state, place(['a'], []))).toEqual([]);
  const sample = new Sample(state);
  sample.run(place(['a', 'b'], ['b']));
  const remove: CommandRequest = { command: 'remove', target: { service: 'pair', component: 'log' }, data: 'keep' };
  expect(problems(sample.state, remove)).toEqual(['RULE /target']);
});

test('an even ensemble is allowed, with a warning', () => {
  const { change } = layout(cluster(), add({ zookeeper_server: ['zk1', 'zk2'] }), { newId: ids() });
  expect(change.warnings).toMatchObject([{ code: 'PREFER_ODD', pointer: '/services/0/components/zookeeper_server' }]);
});

test('components that must not share a host are kept apart, named or placed by default', () => {
  const ha = service('ha', {
    components: [
      component('active', { cardinality: '1' }),
      component('standby', { cardinality: '1', notWith: [{ component: 'active' }] }),
    ],
  });
  const state = cluster({ hosts: ['a', 'b'], manifests: [ha] });
  const named = { active: ['a'], standby: ['a'] };
  expect(problems(state, { command: 'add', services: [{ service: 'ha', components: named }] })).toEqual([
    'NOT_WITH /services/0/components/standby/0',
  ]);
  const { next } = layout(state, { command: 'add', services: [{ service: 'ha' }] }, { newId: ids() });
  expect(next.services[0]?.hostComponents.map(({ hostId }) => hostId)).toEqual(['h-a', 'h-b']);
});

test('a component that must share a host with another is refused elsewhere, with the reason of the stack', () => {
  const pair = service('pair', {
    components: [
      component('one', { cardinality: '1' }),
      component('other', { cardinality: '1', with: [{ component: 'one', why: 'it watches its process' }] }),
    ],
  });
  const state = cluster({ hosts: ['a', 'b'], manifests: [pair] });
  const placed = (other: string): CommandRequest => ({
    command: 'add',
    services: [{ service: 'pair', components: { one: ['a'], other: [other] } }],
  });
  expect(problems(state, placed('a'))).toEqual([]);
  expect(refusal(state, placed('b'))).toMatchObject([
    {
      code: 'WITH',
      pointer: '/services/0/components/other/0',
      message: expect.stringContaining('it watches its process'),
    },
  ]);
});

test('required services must be there, in range, and may come in the same request in any order', () => {
  const kafka = service('kafka', { requires: { services: [{ service: 'zookeeper', range: '>=3.9' }] } });
  const old = { ...zookeeper, version: '3.8.0' };
  const both: CommandRequest = { command: 'add', services: [{ service: 'kafka' }, { service: 'zookeeper' }] };
  const only: CommandRequest = { command: 'add', services: [{ service: 'kafka' }] };
  expect(problems(cluster({ manifests: [kafka, zookeeper] }), both)).toEqual([]);
  expect(problems(cluster({ manifests: [kafka, zookeeper] }), only)).toEqual([
    'REQUIRED_SERVICE_MISSING /services/0/service',
  ]);
  expect(problems(cluster({ manifests: [kafka, old] }), both)).toEqual(['REQUIRED_VERSION /services/0/service']);
  const sample = new Sample(cluster({ manifests: [kafka, zookeeper] }));
  sample.run(both);
  const remove: CommandRequest = { command: 'remove', target: { service: 'zookeeper' }, data: 'keep' };
  expect(problems(sample.state, remove)).toEqual(['STILL_REQUIRED /target']);
  expect(problems(sample.state, { ...remove, target: {} })).toEqual([]);
});

test('services that require each other are refused with the path', () => {
  const a = service('a', { requires: { services: [{ service: 'b', range: '*' }] } });
  const b = service('b', { requires: { services: [{ service: 'a', range: '*' }] } });
  const request: CommandRequest = { command: 'add', services: [{ service: 'a' }, { service: 'b' }] };
  const [problem] = refusal(cluster({ manifests: [a, b] }), request);
  expect(problem?.code).toBe('CYCLE');
  expect(problem?.message).toMatchInlineSnapshot(
    `"These wait for each other: service b → service a → service b. Drop one of the dependencies."`,
  );
});

test('a JDK outside the range names the host and what was found there', () => {
  const java = [{ home: '/usr/lib/jvm/java-8', version: '1.8.0_392' }];
  const old = host('zk1', { ...inCluster, facts: { cpus: 1, memory: 1, disk: 1, java } });
  const none = host('zk2', { ...inCluster, facts: { cpus: 1, memory: 1, disk: 1, java: [] } });
  const messages = refusal(cluster({ hosts: [old, none] }), add({ zookeeper_server: ['zk1', 'zk2'] }));
  expect(messages.map(({ message }) => message)).toEqual([
    'ZooKeeper needs a JDK >=11, and host zk1 has Java 1.8.0_392 in /usr/lib/jvm/java-8. Install a JDK >=11 on zk1, or give the server a runtime by its setting packages.javaRuntime.',
    'ZooKeeper needs a JDK >=11, and host zk2 has no Java. Install a JDK >=11 on zk2, or give the server a runtime by its setting packages.javaRuntime.',
  ]);
});

test('a host without a fitting JDK gets the runtime of the server, where that fits', () => {
  const facts = (java: ClusterState['hosts'][number]['facts']['java']) => ({ cpus: 1, memory: 1, disk: 1, java });
  const old = host('zk1', { ...inCluster, facts: facts([{ home: '/usr/lib/jvm/java-8', version: '1.8.0_392' }]) });
  const none = host('zk2', { ...inCluster, root: '/srv/zk2', facts: facts([]) });
  const arm = host('zk3', { ...inCluster, arch: 'arm64', facts: facts([]) });
  const wheel = { file: 'a-1-py3-none-any.whl', sha512: 'a'.repeat(128), arch: 'x64' as const };
  const runtime = (version: string) => ({
    name: 'java-runtime',
    version,
    origins: { pypi: { project: 'a', wheels: [wheel] } },
  });
  const state = (version: string) => ({
    ...cluster({ hosts: [old, none, arm, 'zk4'] }),
    javaRuntime: runtime(version),
  });
  const sample = new Sample(state('21.0.8'));
  expect(sample.plan(add({ zookeeper_server: ['zk1', 'zk2', 'zk4'] })).java).toMatchInlineSnapshot(`
    [
      {
        "home": "/opt/stackyard/java-runtime-21.0.8",
        "hostId": "h-zk1",
        "packaged": true,
        "reason": "zk1 has Java 1.8.0_392 in /usr/lib/jvm/java-8, and zookeeper needs >=11",
        "service": "zookeeper",
        "version": "21.0.8",
      },
      {
        "home": "/srv/zk2/opt/stackyard/java-runtime-21.0.8",
        "hostId": "h-zk2",
        "packaged": true,
        "reason": "zk2 has no Java, and zookeeper needs >=11",
        "service": "zookeeper",
        "version": "21.0.8",
      },
      {
        "home": "/usr/lib/jvm/java-17",
        "hostId": "h-zk4",
        "packaged": false,
        "reason": "zk4 has it, and zookeeper needs >=11",
        "service": "zookeeper",
        "version": "17.0.15",
      },
    ]
  `);
  expect(refusal(state('21.0.8'), add({ zookeeper_server: ['zk3'] })).map(({ message }) => message)).toEqual([
    'ZooKeeper needs a JDK >=11, and host zk3 has no Java. The runtime of this server is not for the processor arm64. Install a JDK >=11 on zk3, or give the server another runtime by its setting packages.javaRuntime.',
  ]);
  expect(refusal(state('8.0.1'), add({ zookeeper_server: ['zk2'] })).map(({ message }) => message)).toEqual([
    'ZooKeeper needs a JDK >=11, and host zk2 has no Java. The runtime of this server is Java 8.0.1, which is not in that range. Install a JDK >=11 on zk2, or give the server another runtime by its setting packages.javaRuntime.',
  ]);
});

test('one port is not given away twice on a host, by a default or by a changed value', () => {
  const twin = service('twin', {
    configs: [config('twin.cfg', [property('port', 'port', { default: { literal: 2181 } })])],
    components: [
      component('twin_server', { configs: ['twin.cfg'] }),
      component('twin_helper', { configs: ['twin.cfg'] }),
      client('twin_client', { configs: ['twin.cfg'] }),
    ],
  });
  const state = running(cluster({ hosts: ['zk1', 'zk2', 'zk3', 'free'], manifests: [zookeeper, twin] }));
  const place = (hosts: string[], port: number): CommandRequest => ({
    command: 'add',
    services: [
      {
        service: 'twin',
        components: { twin_server: hosts, twin_helper: hosts, twin_client: ['zk2'] },
        config: { 'twin.cfg': { port } },
      },
    ],
  });
  expect(problems(state, place(['zk1'], 2181))).toEqual(['PORT_CONFLICT /services/0/components/twin_server/0']);
  expect(problems(state, place(['free'], 2181))).toEqual([]);
  const sample = new Sample(state);
  sample.run(place(['zk1'], 4000));
  const configure: CommandRequest = {
    command: 'configure',
    target: { service: 'twin' },
    overrides: { zk1: { 'twin.cfg': { port: 2181 } } },
  };
  expect(refusal(sample.state, configure)).toMatchInlineSnapshot(`
    [
      {
        "code": "PORT_CONFLICT",
        "message": "Port 2181 on host zk1 would be used twice: by zoo.cfg/clientPort of zookeeper and by twin.cfg/port of twin. Set twin.cfg/port of twin to another port, or zoo.cfg/clientPort of zookeeper.",
        "pointer": "/config/twin.cfg/port",
      },
    ]
  `);
});

test('services that are added together, and defaults of a service that is there, are told apart port by port', () => {
  const twin = service('twin', {
    configs: [config('twin.cfg', [property('port', 'port', { default: { literal: 2181 } })])],
    components: [component('twin_server', { configs: ['twin.cfg'] })],
  });
  const both = cluster({ manifests: [zookeeper, twin] });
  const together: CommandRequest = {
    command: 'add',
    services: [
      { service: 'twin', components: { twin_server: ['zk1'] } },
      { service: 'zookeeper', components: { zookeeper_server: ['zk1', 'zk2', 'zk3'] } },
    ],
  };
  expect(problems(both, together)).toEqual(['PORT_CONFLICT /services/1/components/zookeeper_server/0']);
  const sample = new Sample(both);
  sample.run({ command: 'add', services: [{ service: 'twin', components: { twin_server: ['zk1'] } }] });
  // The one that runs keeps its port: the one that comes is asked to take another.
  expect(refusal(sample.state, add({ zookeeper_server: ['zk1', 'zk2', 'zk3'] }))).toMatchObject([
    {
      pointer: '/services/0/components/zookeeper_server/0',
      message:
        'Port 2181 on host zk1 would be used twice: by twin.cfg/port of twin and by zoo.cfg/clientPort of zookeeper. Set zoo.cfg/clientPort of zookeeper to another port, or twin.cfg/port of twin.',
    },
  ]);
  const other = { config: { 'zoo.cfg': { clientPort: 2182 } } };
  expect(problems(sample.state, add({ zookeeper_server: ['zk1', 'zk2', 'zk3'] }, other))).toEqual([]);
});

test('values are checked, pinned ones stay once installed, and a version is made only for a change', () => {
  const state = running();
  const configure = (values: object, overrides?: Record<string, object>): CommandRequest => ({
    command: 'configure',
    target: { service: 'zookeeper' },
    config: { 'zoo.cfg': values } as never,
    overrides: overrides as never,
  });
  expect(problems(state, configure({ tickTime: 1, nope: 1 }))).toEqual([
    'VALUE_RANGE /config/zoo.cfg/tickTime',
    'PROPERTY_UNKNOWN /config/zoo.cfg/nope',
  ]);
  expect(problems(state, configure({ dataDir: '/data' }))).toEqual(['PROPERTY_PINNED /config/zoo.cfg/dataDir']);
  expect(problems(state, configure({ dataDir: '/var/lib/zookeeper' }))).toEqual([]);
  expect(problems(state, configure({}, { zk9: {} }))).toEqual(['HOST_UNKNOWN /overrides/zk9']);
  expect(problems(state, configure({}, { zk1: { 'zoo.cfg': { dataDir: '/data' } } }))).toEqual([
    'PROPERTY_PINNED /overrides/zk1/zoo.cfg/dataDir',
  ]);
  const changed = layout(state, configure({ tickTime: 2000 }), { newId: ids() });
  expect(changed.change.newConfigVersions).toEqual(['zookeeper']);
  expect(changed.next.services[0]).toMatchObject({ configVersion: 2, values: { 'zoo.cfg': { tickTime: 2000 } } });
  expect(layout(changed.next, configure({ tickTime: 2000 }), { newId: ids() }).change.newConfigVersions).toEqual([]);
  expect(layout(changed.next, configure({}), { newId: ids() }).next.services[0]?.values).toEqual({});
});

test('tasks on a host that does not answer are refused, a lost host is removed without any', () => {
  const sample = new Sample(running());
  const hosts = sample.state.hosts.map((it) => (it.name === 'zk3' ? { ...it, reachable: false } : it));
  sample.state = { ...sample.state, hosts };
  const target = { hosts: ['zk3'] };
  expect(problems(sample.state, { command: 'restart', target: {} })).toEqual(['HOST_UNREACHABLE /target']);
  expect(problems(sample.state, { command: 'remove', target, data: 'keep' })).toEqual(['HOST_UNREACHABLE /target']);
  expect(problems(sample.state, { command: 'remove', target: { hosts: ['zk1'] }, data: 'keep', lost: true })).toEqual([
    'HOST_NOT_LOST /lost',
  ]);
  expect(() => layout(sample.state, { command: 'remove', target, data: 'keep' }, { newId: ids() })).toThrow(
    'Host zk3 does not answer. Check the agent on it, or remove it as "lost" when it will not come back.',
  );
  const { change } = layout(sample.state, { command: 'remove', target, data: 'delete', lost: true }, { newId: ids() });
  expect(change.warnings.map(({ message }) => message)).toContain(
    'Nothing can be deleted on zk3 now. Delete the data there before a lost host is used again.',
  );
  const plan = sample.run({ command: 'remove', target, data: 'keep', lost: true });
  expect(plan.hosts).toEqual(['h-zk1', 'h-zk2']);
  expect(sample.hostComponents().some(({ hostId }) => hostId === 'h-zk3')).toBe(false);
});

test('how many of a component are placed may follow from another one, wherever it stands in the definition', () => {
  const several: Expression = { op: 'gt', of: [{ count: 'head' }, { literal: 1 }] };
  const hosts = { choose: [several, { literal: 3 }, { literal: 0 }] } as Expression;
  const components = [
    component('log', { cardinality: '0+', place: { hosts } }),
    component('head', { cardinality: '1-2' }),
  ];
  const state = cluster({ hosts: ['a', 'b', 'c', 'd'], manifests: [service('pair', { components })] });
  const placed = (heads?: string[]): string[] => {
    const components = heads && { head: heads };
    const request: CommandRequest = {
      command: 'add',
      services: [{ service: 'pair', ...(components && { components }) }],
    };
    const { next } = layout(state, request, { newId: ids() });
    return next.services[0]!.hostComponents.map(({ component, hostId }) => `${component} ${hostId.slice(2)}`);
  };
  expect(placed()).toEqual(['head a']);
  expect(placed(['a', 'b'])).toEqual(['log a', 'log c', 'log d', 'head a', 'head b']);
});

test('components left out are placed by cardinality, clients beside the servers', () => {
  const place = (hosts: string[], fields = {}): string[] => {
    const manifest = { ...zookeeper, components: [component('s', fields), client('c')] };
    const state = cluster({ hosts, manifests: [{ ...manifest, configs: [], exports: {} }] });
    const { next } = layout(state, add(), { newId: ids() });
    return next.services[0]!.hostComponents.map(({ component, hostId }) => `${component} ${hostId.slice(2)}`);
  };
  const five = ['e', 'd', 'c', 'b', 'a'];
  expect(place(five, { cardinality: '1+', prefer: 'odd' })).toEqual(['s a', 's b', 's c', 'c a', 'c b', 'c c']);
  expect(place(['a', 'b'], { cardinality: '1+', prefer: 'odd' })).toEqual(['s a', 'c a']);
  expect(place(five, { cardinality: '1' })).toEqual(['s a', 'c a']);
  expect(place(five, { cardinality: '4+', prefer: 'odd' })).toHaveLength(10);
  expect(place(five, { cardinality: '2-4', prefer: 'odd' })).toHaveLength(6);
  expect(place(five, { cardinality: 'all' })).toHaveLength(10);
  expect(place(five, { cardinality: '0-1' })).toEqual(['c a', 'c b', 'c c', 'c d', 'c e']);
});

test('generated values are made once and kept', () => {
  const made = service('made', {
    configs: [config('m.cfg', [property('clusterId', 'text', { generated: 'uuid' })])],
    components: [component('m', { configs: ['m.cfg'] })],
  });
  const sample = new Sample(cluster({ hosts: ['a', 'b'], manifests: [made] }));
  sample.run({ command: 'add', services: [{ service: 'made', components: { m: ['a'] } }] });
  const before = sample.state.services[0]?.generated;
  sample.run({ command: 'add', services: [{ service: 'made', components: { m: ['b'] } }] });
  expect(before?.['m.cfg']?.['clusterId']).toMatch(/^id\d+$/);
  expect(sample.state.services[0]?.generated).toBe(before);
});
