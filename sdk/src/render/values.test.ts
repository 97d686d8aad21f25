import { expect, test } from 'vitest';
import type { ConfigManifest, PropertyManifest } from '../manifest/config.ts';
import type { Expression, Json } from '../manifest/expression.ts';
import { ServiceManifest } from '../manifest/manifest.ts';
import { configDir, hostPath, packageDir } from '../paths.ts';
import { checkValues } from './check.ts';
import { effectiveValues } from './effective.ts';
import { evaluate, type EvaluationContext } from './evaluate.ts';
import { resolveValue } from './values.ts';

const property = (
  name: string,
  type: PropertyManifest['type'],
  more: Partial<PropertyManifest> = {},
): PropertyManifest => ({
  name,
  type,
  help: `What ${name} is for`,
  effect: 'restart',
  ...more,
});

const literal = (value: number | string): Expression => ({ literal: value });
const ref = (name: string): Expression => ({ property: { config: 'zoo.cfg', property: name } });

const zooCfg: ConfigManifest = {
  name: 'zoo.cfg',
  format: 'properties',
  file: true,
  effect: 'restart',
  properties: [
    property('tickTime', 'duration', { default: literal(2000), min: 100, max: 60_000, unit: 'ms' }),
    property('clientPort', 'port', { default: literal(2181) }),
    property('dataDir', 'dir', { default: literal('/var/lib/zk') }),
    property('logDir', 'dir', { default: { concat: [ref('dataDir'), literal('/log')] } }),
    property('url', 'text', { default: { concat: [literal('file://'), ref('dataDir')] } }),
    property('mode', 'enum', { values: ['fast', 'safe'], default: literal('safe') }),
    property('owner', 'text', { pattern: '[a-z]+' }),
    property('note', 'text', { optional: true }),
    property('id', 'text', { generated: 'uuid' }),
    property('heap', 'memory', { min: 64, default: { op: 'div', of: [{ fact: 'memory' }, literal(3)] } }),
    property('names', 'list', { optional: true }),
    property('flags', 'map', { optional: true }),
    property('fast', 'bool', { optional: true }),
    property('token', 'secret', { optional: true }),
  ],
};

const service = ServiceManifest.parse({
  name: 'zk',
  title: 'ZK',
  version: '1',
  user: 'zk',
  packages: [{ name: 'zk', version: '1.0', origins: {} }],
  requires: { services: [] },
  configs: [zooCfg],
  components: [
    {
      name: 'server',
      title: 'Server',
      category: 'server',
      cardinality: '1+',
      configs: ['zoo.cfg'],
      files: [],
      dirs: [],
      lifecycle: [],
      after: [],
      rolling: false,
      timeouts: {},
      idempotent: {},
      health: {},
      links: {},
    },
  ],
  exports: {},
});

const facts = { cpus: 2, memory: 1000, disk: 1 };
const valid = { 'zoo.cfg': { owner: 'me' } };
const self = {
  host: 'h2',
  address: '10.0.0.2',
  ordinal: 2,
  hostComponentId: 'x',
  service: 'zk',
  component: 'server',
  bind: '0.0.0.0',
  root: '/srv/h2',
  local: true,
};

const check = (given: Record<string, Json>) =>
  checkValues([zooCfg], { 'zoo.cfg': { owner: 'me', ...given } }).map(({ message }) => message);

test('every way a value can be wrong has a sentence that says what would be right', () => {
  const wrong = {
    tickTime: 50,
    clientPort: 70_000,
    dataDir: 'relative',
    logDir: '/a/../b',
    mode: 'saef',
    owner: 'M3',
    heap: 1.5,
    names: ['a,b'],
    flags: { a: [1] },
    fast: 'true',
    token: 'x',
    url: 5,
    clientPrt: 1,
  };
  expect(check(wrong)).toMatchInlineSnapshot(`
    [
      "owner of zoo.cfg is the text "M3"; it must match [a-z]+.",
      "tickTime of zoo.cfg is 50 ms; it must be at least 100 and at most 60000 ms.",
      "clientPort of zoo.cfg is 70000; it must be at least 1 and at most 65535.",
      "dataDir of zoo.cfg must be an absolute path without "..", not the text "relative".",
      "logDir of zoo.cfg must be an absolute path without "..", not the text "/a/../b".",
      "mode of zoo.cfg is the text "saef"; it must be one of fast, safe; did you mean "safe".",
      "heap of zoo.cfg must be a whole number, not 1.5.",
      "names of zoo.cfg must not have a comma or a line break in an item (the text "a,b").",
      "flags of zoo.cfg must be an object of texts, numbers and true or false, not {"a":[1]}.",
      "fast of zoo.cfg must be true or false, not the text "true".",
      "token of zoo.cfg is shorter than 4 characters.",
      "url of zoo.cfg must be a text, not 5.",
      "zoo.cfg has no property "clientPrt"; did you mean "clientPort"?",
    ]
  `);
});

test('values that fit are not commented on, and nothing is coerced', () => {
  expect(check({ tickTime: 100, clientPort: 1, mode: 'fast', names: ['a'], flags: { a: 1 }, fast: false })).toEqual([]);
  expect(check({ tickTime: '100' })).toHaveLength(1);
});

test('an unknown config and a missing value are named with their pointers', () => {
  expect(checkValues([zooCfg], { 'zoo.cgf': {} })).toMatchInlineSnapshot(`
    [
      {
        "code": "CONFIG_UNKNOWN",
        "message": "There is no config "zoo.cgf"; did you mean "zoo.cfg"?",
        "pointer": "/config/zoo.cgf",
      },
      {
        "code": "VALUE_MISSING",
        "message": "owner of zoo.cfg needs a value: What owner is for.",
        "pointer": "/config/zoo.cfg/owner",
      },
    ]
  `);
});

test('overrides of a host may be partial and say where they stand', () => {
  const notices = checkValues([zooCfg], { 'zoo.cfg': { tickTime: 1 } }, { partial: true, pointer: '/overrides/h~1' });
  expect(notices.map(({ pointer }) => pointer)).toEqual(['/overrides/h~1/zoo.cfg/tickTime']);
});

test('overrides come before values, values before generated ones, those before defaults', () => {
  const values = effectiveValues({
    service,
    facts,
    values: { 'zoo.cfg': { tickTime: 3000, clientPort: 2000, owner: 'me' } },
    overrides: { 'zoo.cfg': { clientPort: 2001 } },
    generated: { 'zoo.cfg': { id: 'g' } },
  });
  expect(values['zoo.cfg']).toMatchObject({ tickTime: 3000, clientPort: 2001, owner: 'me', id: 'g', mode: 'safe' });
  expect(values['zoo.cfg']).not.toHaveProperty('note');
});

test('a recommendation becomes a whole number within the bounds', () => {
  const heap = (memory: number) =>
    effectiveValues({ service, facts: { ...facts, memory }, values: valid })['zoo.cfg']?.['heap'];
  expect([heap(1000), heap(10)]).toEqual([333, 64]);
});

test('directories are placed on the host once, whatever they are made of', () => {
  const values = effectiveValues({ service, facts, values: valid, self });
  expect(values['zoo.cfg']).toMatchObject({ logDir: '/var/lib/zk/log', url: 'file:///srv/h2/var/lib/zk' });
  const context = { service, inputs: { self, values, instances: {}, imports: {}, facts } };
  expect(evaluate(ref('logDir'), context)).toBe('/srv/h2/var/lib/zk/log');
});

test('a default that needs itself is refused with its name', () => {
  const properties = [property('a', 'text', { default: ref('b') }), property('b', 'text', { default: ref('a') })];
  const looped = { ...service, configs: [{ ...zooCfg, properties }] };
  expect(() => effectiveValues({ service: looped, facts, values: {} })).toThrow(
    'the default of a of zoo.cfg needs itself',
  );
});

test('an export lists its host components by ordinal, each with its own port', () => {
  const values = effectiveValues({ service, facts, values: valid });
  const instances = {
    server: [
      { host: 'b', address: '10.0.0.2', ordinal: 2 },
      { host: 'a', address: '10.0.0.1', ordinal: 1, overrides: { 'zoo.cfg': { clientPort: 2999 } } },
    ],
  };
  const expression = { hostPorts: { component: 'server', port: { config: 'zoo.cfg', property: 'clientPort' } } };
  expect(evaluate(expression, { service, inputs: { values, instances, imports: {}, facts } })).toBe(
    '10.0.0.1:2999,10.0.0.2:2181',
  );
});

test('the first of those that stay is the lowest ordinal that is not leaving, and nothing where all leave', () => {
  const at = (ordinal: number, leaving: boolean) => ({
    host: `h${ordinal}`,
    address: `10.0.0.${ordinal}`,
    ordinal,
    leaving,
  });
  const firstOf = (...leaving: readonly boolean[]) =>
    evaluate(
      { each: { component: 'server', of: { self: 'address' }, separator: ',', only: 'staying', first: true } },
      {
        service,
        inputs: {
          values: {},
          instances: { server: leaving.map((leaves, index) => at(index + 1, leaves)).toReversed() },
          imports: {},
          facts,
        },
      },
    );
  expect(firstOf(false, false)).toBe('10.0.0.1');
  expect(firstOf(true, false, false)).toBe('10.0.0.2');
  expect(firstOf(true, true)).toBe('');
});

test.each<[Expression, string]>([
  [{ self: 'host' }, 'service zk, here: it names facts of one host component, which an export cannot do'],
  [{ property: { config: 'zoo.cfg', property: 'nope' } }, 'there is no property nope of zoo.cfg in service zk'],
  [{ property: { config: 'zoo.cfg', property: 'owner' } }, 'owner of zoo.cfg has no value'],
  [
    { import: { service: 'hdfs', export: 'fs' } },
    'the export fs of service hdfs is not there; add hdfs to the cluster',
  ],
  [{ count: 'nope' }, 'service zk has no component nope'],
  [{ configPath: 'nope' }, 'service zk has no config nope'],
  [{ op: 'div', of: [literal(1), literal(0)] }, 'div of 1, 0 is no number'],
  [{ op: 'add', of: [literal('x'), literal(1)] }, '"x" is no number to calculate with'],
])('an expression without a value says why: %j', (expression, why) => {
  const context: EvaluationContext = {
    service,
    place: 'here',
    inputs: { values: {}, instances: {}, imports: {}, facts },
  };
  expect(() => evaluate(expression, context)).toThrow(why);
});

test('every path of a component lies under the root of its host', () => {
  expect(configDir(self)).toBe('/srv/h2/etc/stackyard/zk/server');
  expect(packageDir('/', 'zk', '3.9.4')).toBe('/opt/stackyard/zk-3.9.4');
  for (const path of ['/a/../b', 'a', '../a', '/a\0']) expect(() => hostPath('/srv', path)).toThrow('is refused');
  expect(() => packageDir('/', 'zk', '../x')).toThrow('is refused');
});

test('a text is compared with any pattern in linear time, and as a whole', () => {
  const config = (pattern: string) => ({ ...zooCfg, properties: [property('name', 'text', { pattern })] });
  const codes = (pattern: string, name: string) =>
    checkValues([config(pattern)], { 'zoo.cfg': { name } }).map(({ code }) => code);
  expect(codes('(a+)+', `${'a'.repeat(60_000)}!`)).toEqual(['VALUE_PATTERN']);
  expect(codes('(a+)+', 'a'.repeat(60_000))).toEqual([]);
  expect(codes('a|b', 'ab')).toEqual(['VALUE_PATTERN']);
  expect(codes('(?:a?){100}a{100}', 'a'.repeat(60_000))).toEqual(['VALUE_RANGE']);
});

test('a port is shifted by its step for each ordinal, on local hosts alone', () => {
  const at = (offsetByOrdinal: boolean | number, local: boolean) =>
    resolveValue(property('port', 'port', { offsetByOrdinal }), 9866, { root: '/', local, ordinal: 3 });
  expect([at(true, true), at(100, true), at(false, true), at(100, false)]).toEqual([9869, 10_166, 9866, 9866]);
});

test('a map is the same in whichever order it was saved, as a database keeps none', () => {
  const written = (flags: Record<string, Json>) =>
    JSON.stringify(
      effectiveValues({ service, facts, self, values: { 'zoo.cfg': { owner: 'me', flags } } })['zoo.cfg']?.['flags'],
    );
  expect(written({ 'z.first': 1, a: 2, 'm.n': 3 })).toBe('{"a":2,"m.n":3,"z.first":1}');
  expect(written({ a: 2, 'm.n': 3, 'z.first': 1 })).toBe('{"a":2,"m.n":3,"z.first":1}');
});

test('each of several directories lies under the root of its host, and is a path that a component may have', () => {
  const dirs = property('dataDirs', 'dirs');
  const placed = resolveValue(dirs, ['/disk1/data', '/disk2/data'], { root: '/srv/h1', local: true, ordinal: 1 });
  expect(placed).toEqual(['/srv/h1/disk1/data', '/srv/h1/disk2/data']);
  const config: ConfigManifest = { ...zooCfg, properties: [dirs] };
  const messages = (value: Json) =>
    checkValues([config], { 'zoo.cfg': { dataDirs: value } }).map(({ message }) => message);
  expect(messages(['/disk1/data'])).toEqual([]);
  expect(messages('/disk1')[0]).toContain('must be a list of absolute paths');
  expect(messages(['data'])[0]).toContain('must be an absolute path');
  expect(messages(['/etc'])[0]).toContain('must not be');
  expect(messages(['/a,/b'])[0]).toContain('must not have a comma');
});
