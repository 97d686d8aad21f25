import { describe, expect, test } from 'vitest';
import type { ComponentOptions } from '../define/component.ts';
import { problemText } from '../define/errors.ts';
import {
  after,
  alert,
  alive,
  concat,
  defineComponent,
  defineConfig,
  defineService,
  defineStack,
  http,
  own,
  p,
  self,
  type Service,
  service,
} from '../define/index.ts';
import type { ServiceOptions } from '../define/service.ts';
import { inspectStack } from '../define/toManifest.ts';
import { cyclesOf } from './cycles.ts';
import { selectorsWithoutLabels } from './promql.ts';

const one = { title: 'X', category: 'server', cardinality: '1+' } satisfies ComponentOptions;
const component = (name: string, more: Partial<ComponentOptions> = {}) => defineComponent(name, { ...one, ...more });
const a = component('a');

function told(more: Partial<ServiceOptions>, ...others: Service[]): string[] {
  const options = { title: 'Demo', version: '1.2', user: 'demo', components: [a] };
  const stack = defineStack({ services: [defineService('demo', { ...options, ...more }), ...others] });
  return inspectStack(stack, { name: 'demo', version: '1.0.0', sdk: '0.1.0' }).problems.map(problemText);
}
const near = (name: string, more: Partial<ComponentOptions>) => told({ components: [a, component(name, more)] });
const config = (properties: Parameters<typeof defineConfig>[1]) =>
  told({ components: [component('b', { config: [defineConfig('b.cfg', properties as never)] })] });

describe('an author is told of', () => {
  test.each<[string, () => string[], string]>([
    [
      'what must be with something and must not',
      () => near('b', { with: [a], notWith: [a] }),
      'must be with demo/a, and must not',
    ],
    [
      'what is everywhere, with what is not',
      () =>
        told({ components: [component('a', { cardinality: '1' }), component('b', { cardinality: 'all', with: [a] })] }),
      'it is on every host, and only with demo/a, which is on 1 at most',
    ],
    [
      'a component of another service that is not there',
      () => near('b', { after: [after('zk/server')] }),
      "add service('zk', …) to `requires`",
    ],
    [
      'components that wait for each other',
      () =>
        told({
          components: [component('c', { after: [after('demo/d')] }), component('d', { after: [after('demo/c')] })],
        }),
      'these wait for each other',
    ],
    ['one that waits for itself', () => near('b', { after: [after('demo/b')] }), 'demo/b start → demo/b start'],
    [
      'a probe of a process that is not there',
      () => near('b', { health: { x: alive() } }),
      'it looks at a declared process',
    ],
    [
      'a place that needs a host component',
      () => near('b', { place: { score: self.ordinal } }),
      'which is not there yet',
    ],
    [
      'a port twice',
      () => config({ x: p.port(1).help('x'), y: p.port(1).help('x') }),
      'demo b.cfg y: its default 1 is that of b.cfg x too',
    ],
    [
      'a key twice',
      () => config({ x: p.int(1).help('x'), y: p.int(1).key('x').help('x') }),
      'the file would have the key x twice',
    ],
    ['a property without help', () => config({ x: p.int(1) }), 'warning: it does not say what it is for'],
    [
      'a name that every object has',
      () => config({ constructor: p.int(1).help('x') }),
      'every object of JavaScript has something called so',
    ],
    [
      'bounds that leave nothing',
      () => config({ x: p.int(1).min(3).max(2).help('x') }),
      'no value is at least 3 and at most 2',
    ],
    [
      'advice that is out of bounds',
      () => config({ x: p.int(5).min(3).advise({ min: 1 }).help('x') }),
      'what it advises is not within its bounds',
    ],
    [
      'a condition that is none',
      () => config({ x: p.int(1).help('x'), y: p.int(1).when(own('x')).help('x') }),
      '`when` is a number, no condition',
    ],
    [
      'a default of another kind',
      () => config({ x: p.text('a').help('x'), y: p.int(own('x')).help('x') }),
      'its default gives a text, and it is of type int',
    ],
    [
      'a condition that needs itself',
      () => config({ x: p.bool(true).when(own('y')).help('x'), y: p.bool(true).when(own('x')).help('x') }),
      'b.cfg x → b.cfg y → b.cfg x',
    ],
    [
      'a range of upgrades that is none',
      () => told({ upgrade: { from: 'new' } }),
      'new is no range of versions of the product to upgrade from',
    ],
    [
      'a way back to what is newer',
      () => told({ upgrade: { from: '>=1', backTo: '>=2' } }),
      'upgrade.backTo >=2 names no version below its own',
    ],
    [
      'an alert without words',
      () => told({ alerts: { Down: alert({ severity: 'info', expr: 'up{$labels}', summary: ' ', remedy: 'x' }) } }),
      'its summary is empty',
    ],
    [
      'an export that names a host component',
      () => told({ exports: { url: concat(self.address, ':1') } }),
      'an export is of the whole service',
    ],
  ])('%s', (_, problems, reason) => {
    expect(problems().join('\n')).toContain(reason);
  });

  test('nothing where nothing is wrong', () => {
    const shared = defineConfig('s.cfg', {
      port: p.port(80).help('x'),
      alt: p.port(80).when(own('on')).help('x'),
      on: p.bool(true).help('x'),
    });
    const keeper = defineService('zk', { title: 'Z', version: '1', user: 'zk', components: [component('server')] });
    const b = component('b', {
      config: [shared],
      with: [a],
      after: [after('zk/server')],
      links: { UI: http(shared.port, '/') },
    });
    expect(told({ components: [a, b], requires: [service('zk', '*')], upgrade: { from: '>=1 <2' } }, keeper)).toEqual(
      [],
    );
  });
});

test.each<[string, string[]]>([
  ['up', ['up']],
  ['up{$labels}', []],
  ['up{$labels, job="a"} == 0', []],
  ['up{job="$labels"}', ['up{job="$labels"}']],
  ['{__name__="up"}', ['{__name__="up"}']],
  ['sum by (host, le) (rate(x_bucket{$labels}[5m]))', []],
  ['sum(x{$labels}) without (host) / on (host) group_left (job) y', ['y']],
  ['histogram_quantile(0.99, sum by (le) (rate(h{$labels}[$__rate_interval])))', []],
  ['a{$labels} and ignoring (x) b{$labels} unless c offset 5m', ['c']],
  ['count(x{$labels} > bool 1e3) or vector(1)', []],
  ['x{$labels}[5m:1m] @ end() # up', []],
  ['job:rate:sum{$labels} * 100', []],
  ['label_replace(x{$labels}, "a", "$1", "b", "(up)")', []],
])('selectors without $labels in %s', (expr, selectors) => {
  expect(selectorsWithoutLabels(expr)).toEqual(selectors);
});

test('every group of names that need each other is told of once', () => {
  const needs = { a: ['b'], b: ['c', 'd'], c: ['a'], d: [], e: ['e'], f: ['a'] };
  expect(cyclesOf(new Map(Object.entries(needs)))).toEqual([
    ['a', 'b', 'c', 'a'],
    ['e', 'e'],
  ]);
  const chain = Array.from({ length: 50_000 }, (_, n): [string, string[]] => [`${n}`, [`${n + 1}`]]);
  expect(cyclesOf(new Map(chain))).toEqual([]);
});
