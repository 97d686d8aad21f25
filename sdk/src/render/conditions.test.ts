import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONFIG } from '../define/config.ts';
import type { Expr } from '../define/expression.ts';
import {
  and,
  choose,
  concat,
  count,
  defineComponent,
  defineConfig,
  defineService,
  defineStack,
  eq,
  fact,
  gt,
  hostPorts,
  importOf,
  not,
  orElse,
  own,
  p,
  self,
  service,
} from '../define/index.ts';
import { toManifest } from '../define/toManifest.ts';
import {
  CALCULATIONS,
  COMPARISONS,
  CONNECTIVES,
  type Expression,
  FACTS,
  Json,
  SELF_FIELDS,
} from '../manifest/expression.ts';
import type { ConfigValues, Inputs } from '../manifest/inputs.ts';
import { checkValues } from './check.ts';
import { conditionHolds, effectiveValues } from './effective.ts';
import { ExpressionError } from './errors.ts';
import { evaluate } from './evaluate.ts';
import { renderComponent } from './render.ts';

const cfg = defineConfig('app.properties', {
  mode: p.enum(['none', 'kerberos'], 'none').help('How clients prove who they are'),
  principal: p
    .text()
    .when(eq(own('mode'), 'kerberos'))
    .help('Who it is for the KDC'),
  keytab: p
    .file('/etc/app.keytab')
    .when(eq(own('mode'), 'kerberos'))
    .help('Its key'),
  large: p.bool(gt(fact.cpus, 8)).help('Whether the host is large'),
  cache: p.memory(256).when(own('large')).advise({ min: 128, max: 1024 }).help('Cache'),
  heap: p.memory(512).min(16).advise({ min: 64 }).help('Heap'),
  rest: p.text().optional().help('More'),
});
const app = defineComponent('app', { title: 'App', category: 'server', cardinality: '1+', config: [cfg] });
const stack = toManifest(
  defineStack({
    services: [
      defineService('demo', {
        title: 'Demo',
        version: '1',
        user: 'demo',
        components: [app],
        requires: [service('zk', '*', { optional: true })],
        packages: [{ name: 'demo', version: '1', origins: { maven: { archive: 'a:b:c:1' } } }],
      }),
    ],
  }),
  { name: 'demo', version: '1.0.0', sdk: '0.1.0' },
);
const [demo] = stack.services as [(typeof stack.services)[number]];
const configs = [cfg[CONFIG]];
const FACTS_ = { cpus: 4, memory: 8e9, disk: 1e11 };
const place = { host: 'h', address: '10.0.0.1', ordinal: 1 };
const SELF: Inputs['self'] = {
  ...place,
  hostComponentId: 'c',
  service: 'demo',
  component: 'app',
  bind: '0.0.0.0',
  root: '/',
  local: false,
};

function inputsOf(values: ConfigValues, cpus = 4): Inputs {
  const facts = { ...FACTS_, cpus };
  const instances = { app: [place] };
  return {
    self: SELF,
    facts,
    instances,
    imports: {},
    values: effectiveValues({ service: demo, values, facts, self: SELF }),
  };
}
const fileOf = (values: ConfigValues, cpus?: number): string | undefined =>
  renderComponent({ service: demo, component: demo.components[0]!, templates: {}, inputs: inputsOf(values, cpus) })[0]
    ?.content;
const property = (name: string) => configs[0]!.properties.find((each) => each.name === name)!;

describe('a property with a condition', () => {
  const kerberos = { 'app.properties': { mode: 'kerberos', principal: 'app@X' } };
  const left = { 'app.properties': { mode: 'none', principal: 'app@X' } };

  test('is left out of files while it is out of use, also when it has a value', () => {
    expect(fileOf(left)).toBe('mode=none\nlarge=false\nheap=512\n');
    expect(fileOf(kerberos)).toContain('principal=app@X\nkeytab=/etc/app.keytab\n');
    expect(fileOf({}, 16)).toContain('cache=256\n');
  });

  test('has no value in expressions while it is out of use', () => {
    const inputs = inputsOf(left);
    expect(evaluate({ property: cfg.principal.ref }, { service: demo, inputs })).toBeNull();
  });

  test('needs a value only while it is in use', () => {
    const codes = (values: ConfigValues) =>
      checkValues(configs, values).map(({ code, pointer }) => `${code} ${pointer}`);
    expect(codes({})).toEqual([]);
    expect(codes({ 'app.properties': { mode: 'kerberos' } })).toEqual([
      'VALUE_MISSING /config/app.properties/principal',
    ]);
    expect(codes(kerberos)).toEqual([]);
  });

  test('is in use, or not, or that depends on the host', () => {
    const holds = (name: string, values: ConfigValues) => conditionHolds(property(name), { configs, values });
    expect(holds('heap', {})).toBe(true);
    expect(holds('principal', {})).toBe(false);
    expect(holds('principal', kerberos)).toBe(true);
    expect(holds('cache', {})).toBeUndefined();
    expect(holds('cache', { 'app.properties': { large: true } })).toBe(true);
  });
});

test('a value that is not advised is a warning, one out of bounds an error', () => {
  const told = (heap: number) =>
    checkValues(configs, { 'app.properties': { heap } }).map(({ code, severity, message }) => ({
      code,
      severity,
      message,
    }));
  expect(told(64)).toEqual([]);
  expect(told(32)).toEqual([
    {
      code: 'VALUE_UNWISE',
      severity: 'warning',
      message: 'heap of app.properties is 32 MiB; at least 64 MiB is advised.',
    },
  ]);
  expect(told(8)).toMatchObject([{ code: 'VALUE_RANGE' }]);
});

test('a file in a directory of the operator is put under the root of the host once', () => {
  const own_ = defineConfig('b.properties', {
    dir: p.dir('/data').help('Data'),
    key: p.file(concat(own('dir'), '/key')).help('Key'),
  });
  const keyed = { ...demo, configs: [own_[CONFIG]] };
  const self = { ...SELF, root: '/srv/h', local: true };
  const values = effectiveValues({ service: keyed, values: {}, facts: FACTS_, self });
  const inputs = { ...inputsOf({}), self, values };
  expect(evaluate({ property: own_.key.ref }, { service: keyed, inputs })).toBe('/srv/h/data/key');
});

test.each<[string, Json, boolean]>([
  ['url', 'http://a:80/x', true],
  ['url', 'javascript:alert(1)', false],
  ['url', 'a:80', false],
  ['hosts', ['a', 'a:1', '[::1]:65535'], true],
  ['hosts', ['a:65536'], false],
  ['hosts', ['a b'], false],
  ['file', '/etc/x', true],
  ['file', 'etc/x', false],
])('a value of type %s: %j is taken: %s', (type, value, isTaken) => {
  const of = { x: type === 'url' ? p.url().help('x') : type === 'hosts' ? p.hosts().help('x') : p.file().help('x') };
  const problems = checkValues([defineConfig('x.properties', of)[CONFIG]], { 'x.properties': { x: value } });
  expect(problems.length === 0).toBe(isTaken);
});

describe('an expression', () => {
  const valueOf = (expression: Expr, values: ConfigValues = {}): Json =>
    evaluate(expression.expression, { service: demo, inputs: inputsOf(values) });

  test.each<[string, Expr, Json]>([
    ['chooses', choose(eq(cfg.mode, 'none'), 'a', 'b'), 'a'],
    ['falls back from an optional property', orElse(cfg.rest, 'none'), 'none'],
    [
      'falls back from an export that is not there, and from another',
      orElse(orElse(importOf('zk', 'connect'), importOf('zk', 'other')), 'x'),
      'x',
    ],
    ['stops at the first part that decides', and(eq(cfg.mode, 'kerberos'), gt(importOf('zk', 'connect'), 1)), false],
    ['compares with nothing', eq(cfg.rest, null), true],
    ['turns round', not(eq(cfg.mode, 'none')), false],
    ['counts', count(app), 1],
  ])('%s', (_, expression, value) => {
    expect(valueOf(expression)).toEqual(value);
  });

  test('never takes what every object has for an export', () => {
    expect(() => valueOf(importOf('constructor', 'name'))).toThrow(ExpressionError);
    expect(() => valueOf(importOf('zk', 'toString'))).toThrow(ExpressionError);
  });

  const json: fc.Arbitrary<Json> = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>;
  const name = fc.constantFrom('app', 'nobody', 'constructor', '__proto__');
  const ref = fc.record({
    config: fc.constantFrom('app.properties', 'nothing', '__proto__'),
    property: fc.constantFrom('mode', 'keytab', 'heap', 'rest', 'constructor', 'nope'),
  });
  const expression: fc.Arbitrary<Expression> = fc.letrec<{ any: Expression }>((tie) => {
    const many = fc.array(tie('any'), { maxLength: 3 });
    return {
      any: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.record({ literal: json }),
        fc.record({ property: ref }),
        fc.record({ self: fc.constantFrom(...SELF_FIELDS) }),
        fc.record({ configPath: fc.constantFrom('app.properties', '..', 'nope') }),
        fc.record({ fact: fc.constantFrom(...FACTS) }),
        fc.record({ count: name }),
        fc.record({ import: fc.record({ service: fc.constantFrom('zk', '__proto__'), export: name }) }),
        fc.record({ hostPorts: fc.record({ component: name, port: ref }) }),
        fc.record({ cluster: fc.constant('hosts' as const) }),
        fc.record({ concat: many }),
        fc.record({ op: fc.constantFrom(...CALCULATIONS), of: many }),
        fc.record({ op: fc.constantFrom(...COMPARISONS), of: fc.tuple(tie('any'), tie('any')) }),
        fc.record({ op: fc.constantFrom(...CONNECTIVES), of: many }),
        fc.record({ choose: fc.tuple(tie('any'), tie('any'), tie('any')) }),
        fc.record({ orElse: fc.tuple(tie('any'), tie('any')) }),
        fc.record({ each: fc.record({ component: name, of: tie('any'), separator: fc.constant(',') }) }),
      ),
    };
  }).any;

  function outcomeOf(step: () => Json): string {
    try {
      return Json.safeParse(step()).success ? 'value' : 'no value';
    } catch (error) {
      return (error as Error).name;
    }
  }

  test('gives a value or an ExpressionError, never anything else', () => {
    const values = fc.record({ mode: json, keytab: fc.oneof(json, fc.constant('/a/../..')), heap: json });
    fc.assert(
      fc.property(expression, values, fc.boolean(), (each, given, hasSelf) => {
        const context = { ...inputsOf({}), values: { 'app.properties': given } };
        const inputs = hasSelf ? context : { ...context, self: undefined };
        expect(outcomeOf(() => evaluate(each, { service: demo, inputs }))).toMatch(/^(value|ExpressionError)$/);
      }),
      { numRuns: 3000 },
    );
  });

  test('that is nested without end fails with a sentence', () => {
    let deep: Expression = { literal: true };
    for (let level = 0; level < 50_000; level++) deep = { op: 'not', of: [deep] };
    expect(() => evaluate(deep, { service: demo, inputs: inputsOf({}) })).toThrow('nested too deeply');
  });

  test('of a service, without a host component, sees hosts inside each only', () => {
    const inputs = { ...inputsOf({}), self: undefined };
    const ports = concat(self.host, ':1');
    expect(() => evaluate(ports.expression, { service: demo, inputs })).toThrow(ExpressionError);
    expect(() => evaluate(hostPorts(app, cfg.heap as never).expression, { service: demo, inputs })).not.toThrow();
  });
});
