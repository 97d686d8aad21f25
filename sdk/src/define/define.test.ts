import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  action,
  add,
  after,
  alert,
  alive,
  and,
  choose,
  concat,
  count,
  dashboard,
  defineComponent,
  defineConfig,
  definePackage,
  defineService,
  defineStack,
  each,
  eq,
  exec,
  type Expr,
  fact,
  gt,
  type Host,
  hostPorts,
  http,
  importOf,
  java,
  jdk,
  jsonPath,
  mul,
  not,
  onHosts,
  orElse,
  osPackages,
  p,
  profile,
  refuse,
  rolling,
  self,
  service,
  set,
  StackDefinitionError,
  type StackProblem,
  tcp,
} from './index.ts';
import type { ComponentOptions } from './component.ts';
import type { Stack } from './service.ts';
import { toManifest } from './toManifest.ts';

const cfg = defineConfig('server.properties', {
  port: p.port(9092).help('Port'),
  dataDir: p.dir('/data').help('Data').pinned(),
  mode: p.enum(['a', 'b'], 'a').help('Mode'),
  note: p.text().optional().help('Note'),
  names: p.list(['x']).help('Names'),
});

const options = { title: 'Broker', category: 'server', cardinality: '1+', config: [cfg] } satisfies ComponentOptions;
const broker = defineComponent('broker', options);

function stackOf(component: Partial<ComponentOptions>, more: Partial<Parameters<typeof defineService>[1]> = {}): Stack {
  const components = [defineComponent('broker', { ...options, ...component })];
  const demo = defineService('demo', { title: 'Demo', version: '1.0', user: 'demo', components, ...more });
  return defineStack({ services: [demo] });
}

const identity = { name: '@stack/demo', version: '1.0.0', sdk: '0.1.0' };
const manifestOf = (stack: Stack, templates: string[] = []) => toManifest(stack, { ...identity, templates });

describe('misuse does not compile:', () => {
  // Never called: the compiler is what is tested. Each line below is an error, and an error that vanishes is one too.
  function misuse(host: Host): void {
    // @ts-expect-error a property that the config does not have
    tcp(cfg.prot);
    // @ts-expect-error a directory where a port is asked for
    tcp(cfg.dataDir);
    // @ts-expect-error a text where a port has a number
    profile('Small', [set(cfg.port, '9092')]);
    // @ts-expect-error a port where a directory is asked for
    defineComponent('x', { ...options, files: [{ in: cfg.port, name: 'myid', content: self.ordinal }] });
    // @ts-expect-error a default of another type
    p.port('9092');
    // @ts-expect-error a default that is none of the values
    p.enum(['a', 'b'], 'c');
    // @ts-expect-error bounds of a text
    p.text('x').min(1);
    // @ts-expect-error a pattern for a number
    p.int(1).pattern(/x/);
    // @ts-expect-error an effect that does not exist
    p.int(1).effect('reboot');
    // @ts-expect-error only a port can be shifted by the ordinal
    p.int(1).offsetByOrdinal();
    // @ts-expect-error `path` is the config's own
    defineConfig('a.cfg', { path: p.text('x') });
    // @ts-expect-error a cardinality that says nothing
    defineComponent('x', { ...options, cardinality: 'some' });
    // @ts-expect-error a phase that does not exist
    defineComponent('x', { ...options, lifecycle: { begin: () => {} } });
    // @ts-expect-error a component that is named by a bare text
    after('broker');
    // @ts-expect-error a text is no number to calculate with
    mul(fact.memory, '2');
    // @ts-expect-error a role needs a path in the answer
    defineComponent('x', { ...options, role: http(cfg.port, '/status') });
    // @ts-expect-error a path without its slash
    http(cfg.port, 'status');
    // @ts-expect-error what an optional property gives may be null
    void host.get(cfg.note).length;
    // @ts-expect-error what a port gives is a number
    void host.get(cfg.port).length;
    // @ts-expect-error a process without a way to see that it is ready
    exec({ program: '/bin/true' });
    // @ts-expect-error a stack without a service
    defineStack({ services: [] });
    // @ts-expect-error a condition that is a number
    p.text().when(cfg.port);
    // @ts-expect-error a condition that is no expression
    p.text().when(true);
    // @ts-expect-error a comparison with a word that the property never is
    eq(cfg.mode, 'c');
    // @ts-expect-error a comparison with a value of another type
    eq(cfg.port, '9092');
    // @ts-expect-error a text that is compared by size
    gt(cfg.note, 1);
    // @ts-expect-error a number among conditions
    and(eq(cfg.mode, 'a'), cfg.port);
    // @ts-expect-error a text that is negated
    not(self.host);
    // @ts-expect-error a list to calculate with
    add(cfg.names, 1);
    // @ts-expect-error alternatives of two types
    const number: Expr<number> = choose(eq(cfg.mode, 'a'), 1, 'x');
    // @ts-expect-error a fallback of another type
    orElse(cfg.note, 1);
    // @ts-expect-error a default that gives a text to a number
    p.int(concat('1', '2'));
    // @ts-expect-error a recommendation of another type
    p.memory().recommend(self.host);
    // @ts-expect-error advice for a text
    p.text().advise({ min: 1 });
    // @ts-expect-error advice that says nothing
    p.int(1).advise({});
    // @ts-expect-error a place by a text
    defineComponent('x', { ...options, place: { hosts: self.host } });
    // @ts-expect-error a role that is a bare text
    rolling({ last: 'leader' });
    // @ts-expect-error an alert that does not say what to do
    alert({ severity: 'critical', expr: 'up{$labels} == 0', summary: 'Down' });
    // @ts-expect-error a severity that does not exist
    alert({ severity: 'fatal', expr: 'up{$labels} == 0', summary: 'Down', remedy: 'Start it' });
    // @ts-expect-error a dashboard without a panel
    dashboard('Empty', []);
    // @ts-expect-error a family of operating systems that does not exist
    osPackages({ windows: ['redis'] });
    // @ts-expect-error a family without a package
    osPackages({ debian: [] });
    // @ts-expect-error a component where its name is taken for one
    count('broker');
    // @ts-expect-error host components that neither leave nor stay
    each(broker, self.host, { only: 'gone' });
    const input = { partitions: p.int(3).help('How many'), topic: p.text().optional().help('Its name') };
    const about = { title: 'Create', help: 'Makes a topic', input };
    // @ts-expect-error an input of an action that is not declared
    action({ ...about, run: (_, { replicas }) => replicas });
    // @ts-expect-error an input of an action that is a number
    action({ ...about, run: (_, { partitions }) => partitions.length });
    // @ts-expect-error an input of an action that may be null
    action({ ...about, run: (_, { topic }) => topic.length });
    // @ts-expect-error what an action gives back is data
    action({ ...about, run: () => () => undefined });
    void number;
  }

  test('fifty times', () => {
    expect(misuse).toBeTypeOf('function');
  });

  test('and use has the types of its properties', () => {
    const use = (host: Host) =>
      [host.get(cfg.port), host.get(cfg.mode), host.get(cfg.note), host.get(cfg.names)] as const;
    expectTypeOf(use).returns.toEqualTypeOf<readonly [number, 'a' | 'b', string | null, readonly string[]]>();
  });
});

test('a definition becomes data: a property is the same reference wherever it stands', () => {
  const manifest = manifestOf(
    stackOf(
      {
        process: java({
          main: 'Main',
          classPath: ['.', 'lib/*'],
          jvm: ['-Xmx1g'],
          args: [cfg.path],
          ready: tcp(cfg.port),
        }),
        role: jsonPath(http(cfg.port, '/x'), 'role'),
        links: { Console: http(cfg.port, '/') },
        after: [after('zookeeper/zookeeper_server', { phase: 'init' })],
      },
      {
        exports: { bootstrap: hostPorts(broker, cfg.port) },
        requires: [jdk('>=17'), service('zookeeper', '>=3.8')],
        packages: [definePackage('demo', { version: '1.0', maven: { archive: 'a:b:tar.gz:1' } })],
      },
    ),
    ['server.properties.hbs'],
  );
  const [demo] = manifest.services;
  expect(demo?.configs.map(({ template, format }) => ({ template, format }))).toEqual([
    { template: 'server.properties.hbs', format: 'properties' },
  ]);
  expect(demo?.requires).toEqual({ jdk: '>=17', services: [{ service: 'zookeeper', range: '>=3.8' }] });
  expect(demo?.exports).toEqual({
    bootstrap: { hostPorts: { component: 'broker', port: { config: 'server.properties', property: 'port' } } },
  });
  expect(demo?.components[0]).toMatchObject({
    dirs: [{ config: 'server.properties', property: 'dataDir' }],
    after: [{ on: 'zookeeper/zookeeper_server', phase: 'init', after: 'start' }],
    process: { program: { literal: 'java' }, readyMs: 60_000, stopMs: 30_000 },
    links: { Console: { path: '/' } },
  });
});

test.each<[string, () => Stack, Partial<StackProblem>]>([
  [
    'a config that no component gets',
    () => stackOf({ config: [], process: exec({ program: 'x', ready: tcp(cfg.port) }) }),
    { where: 'demo/broker process.ready.port', reason: 'config server.properties belongs to no component of demo' },
  ],
  [
    'an import from a service that is not required',
    () => stackOf({ process: exec({ program: importOf('hdfs', 'fs'), ready: alive() }) }),
    { where: 'demo/broker process.program', reason: 'there is no required service hdfs' },
  ],
  [
    'the directory of a package that is not there',
    () => stackOf({ process: exec({ program: concat(self.packageDir, '/x'), ready: alive() }) }),
    { reason: 'it names the package directory of a service without a package' },
  ],
  [
    'a secret in an argument',
    () => {
      const ini = defineConfig('b.ini', { key: p.secret().help('Key') });
      return stackOf({ config: [cfg, ini], process: exec({ program: 'x', args: ['-p', ini.key], ready: alive() }) });
    },
    {
      where: 'demo/broker process.args[1]',
      reason: 'it uses the secret key of b.ini, and arguments are visible to everybody on the host',
    },
  ],
  [
    'a default that breaks its bounds',
    () => stackOf({ config: [cfg, defineConfig('b.ini', { n: p.int(5).max(3).help('N') })] }),
    { where: 'demo b.ini n', reason: 'its default is 5; it must be at most 3' },
  ],
  [
    'two configs of one name',
    () => stackOf({ config: [cfg, defineConfig('server.properties', {})] }),
    { where: 'demo server.properties', reason: 'it is defined twice' },
  ],
  [
    'a template that is not there',
    () => stackOf({ config: [cfg, defineConfig('b.ini', {}, { template: 'server.hbs' })] }),
    { where: 'demo b.ini', reason: 'its template templates/server.hbs is not there' },
  ],
  [
    'a component it waits for that is not there',
    () => stackOf({ after: [after(defineComponent('brokr', options))] }),
    { where: 'demo/broker', reason: 'there is no component brokr; did you mean "broker"?' },
  ],
  [
    'a range that is none',
    () => stackOf({}, { requires: [jdk('new')] }),
    { reason: 'new is no range of versions of the JDK' },
  ],
  [
    'a package from nowhere',
    () => stackOf({}, { packages: [definePackage('x', { version: '1' })] }),
    { reason: 'it comes from nowhere' },
  ],
  [
    'a package that takes the place of the runtime of the server',
    () => stackOf({}, { packages: [definePackage('java-runtime', { version: '1', maven: { artifacts: ['g:a:1'] } })] }),
    { reason: 'the server calls the Java so that it gives to hosts' },
  ],
  [
    'a profile whose value cannot be saved',
    () => stackOf({}, { profiles: { small: profile('Small', [set(cfg.port, 99_999)]) } }),
    { where: 'demo profile small', reason: expect.stringContaining('port of server.properties') },
  ],
  [
    'a profile that places a component of somebody else',
    () => stackOf({}, { profiles: { small: profile('Small', [onHosts(defineComponent('brokr', options), 1)]) } }),
    { where: 'demo profile small', reason: 'there is no component brokr; did you mean "broker"?' },
  ],
  [
    'a profile that does not say what it is for',
    () => stackOf({}, { profiles: { small: profile(' ', []) } }),
    { where: 'demo profile small', reason: 'it does not say what it is for' },
  ],
  [
    'a profile that nobody can type',
    () => stackOf({}, { profiles: { 'Very Small': profile('Small', []) } }),
    { where: 'demo profile Very Small', reason: 'use a word such as small' },
  ],
  ['a user that no system has', () => stackOf({}, { user: 'Big User' }), { where: 'demo user' }],
])('a definition is refused for %s', (_, stack, problem) => {
  expect(problemsOf(stack)).toEqual([expect.objectContaining(problem)]);
});

function problemsOf(stack: () => Stack): readonly StackProblem[] {
  try {
    manifestOf(stack());
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(StackDefinitionError);
    return (error as StackDefinitionError).problems;
  }
}

test('a profile is data: values by config and property, hosts by component', () => {
  const small = profile('For one machine', [set(cfg.port, 19_092), set(cfg.names, ['a']), onHosts(broker, 1)]);
  expect(manifestOf(stackOf({}, { profiles: { small } })).services[0]?.profiles).toEqual([
    {
      name: 'small',
      help: 'For one machine',
      values: { 'server.properties': { port: 19_092, names: ['a'] } },
      hosts: { broker: 1 },
    },
  ]);
});

test('a rule is data: when a cluster breaks it, and the sentence', () => {
  const rules = [refuse(gt(count(broker), 5), 'Five brokers are enough.')];
  expect(manifestOf(stackOf({}, { rules })).services[0]?.rules).toEqual([
    { refuse: { op: 'gt', of: [{ count: 'broker' }, { literal: 5 }] }, message: 'Five brokers are enough.' },
  ]);
});

test.each([
  ['of one host', eq(self.host, 'h1'), 'it names facts of one host component, and a rule is of the whole service'],
  ['of a component that is not there', gt(count({ name: 'brokers' }), 1), 'did you mean "broker"?'],
  ['that is no condition', count(broker) as unknown as Expr<boolean>, 'it is no condition'],
])('a rule %s is refused', (_, condition, reason) => {
  const stack = () => stackOf({}, { rules: [refuse(condition, 'No.')] });
  expect(problemsOf(stack)).toEqual([
    expect.objectContaining({ where: expect.stringContaining(' rule 1'), reason: expect.stringContaining(reason) }),
  ]);
});

test('everything that is wrong is reported at once', () => {
  const stack = () => stackOf({ notWith: [defineComponent('a', options)] }, { requires: [jdk('new')] });
  expect(problemsOf(stack)).toHaveLength(2);
});
