import fc from 'fast-check';
import { parser } from '@prometheus-io/lezer-promql';
import { expect, test } from 'vitest';
import { ExpressionRefusedError } from './errors.ts';
import { bindLabels, matcher } from './promql.ts';

const matchers = [matcher('cluster', 'demo'), matcher('service', 'cache')];
const bound = (expr: string) => bindLabels(expr, matchers);

test.each([
  ['up{$labels} == 0', 'up{cluster="demo",service="cache"} == 0'],
  ['rate(x{$labels,code=~"5.."}[5m])', 'rate(x{cluster="demo",service="cache",code=~"5.."}[5m])'],
  [
    'sum by (host) (a{$labels}) / on (host) b{x="{", $labels}',
    'sum by (host) (a{cluster="demo",service="cache"}) / on (host) b{x="{", cluster="demo",service="cache"}',
  ],
  ['absent({__name__="x",$labels})', 'absent({__name__="x",cluster="demo",service="cache"})'],
  ['max_over_time(x{$labels}[1h:1m]) > 0', 'max_over_time(x{cluster="demo",service="cache"}[1h:1m]) > 0'],
])('%s is bound in every selector', (expr, expected) => expect(bound(expr)).toBe(expected));

test.each([
  ['up == 0', /write \$labels once in every selector; "up" has it 0 times/],
  ['up{$labels} and other', /"other" has it 0 times/],
  ['up{$labels} or {job="x"}', /has it 0 times/],
  ['up{a="$labels"}', /has it 0 times/],
  ['up{x$labels}', /has it 0 times/],
  ['up{$labels,$labels}', /has it 2 times/],
  ['up{$labels} # $labels', /between the braces/],
  ['label_replace(up{$labels}, "a", "$labels", "b", "c")', /no PromQL|between the braces/],
  ['up{$labels} or up{cluster="other"', /has it 0 times/],
  ['up{$labels', /no PromQL/],
  ['nothing(up{$labels})', /no PromQL/],
  ['1 + 1', /reads no metric/],
  ['', /no PromQL|reads no metric/],
  ['__stackyard_labels__="1"', /may not stand in it/],
  ['up{$labels}\u2028', /control characters/],
])('%j is refused', (expr, why) => {
  expect(() => bound(expr)).toThrow(ExpressionRefusedError);
  expect(() => bound(expr)).toThrow(why);
});

test('an expression that would keep Prometheus busy is refused', () => {
  expect(() => bound(`up{$labels}${' + 1'.repeat(2_000)}`)).toThrow(/longer than 4000 characters/);
});

/** The matchers of each selector, as the grammar of Prometheus sees them. */
function selectorsOf(expr: string): string[][] {
  const found: string[][] = [];
  parser.parse(expr).iterate({
    enter({ name, type, node }) {
      if (type.isError) throw new Error(`no PromQL: ${expr}`);
      if (name !== 'VectorSelector') return;
      const own = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
      found.push(own.map(({ from, to }) => expr.slice(from, to)));
    },
  });
  return found;
}

/** Expressions that hold together, of selectors that are bound, bound twice, or not at all. */
const { expression } = fc.letrec<{ expression: string; selector: string }>((tie) => ({
  selector: fc
    .tuple(
      fc.constantFrom('up', 'x', 'a:b', ''),
      fc.array(fc.constantFrom('$labels', '$labels', '$labels', 'cluster="other"', '__name__=~".+"', 'a!~"}"'), {
        maxLength: 3,
      }),
    )
    .map(([name, own]) => `${name}{${own.join(',')}}`),
  expression: fc.oneof(
    { maxDepth: 3 },
    tie('selector'),
    fc.constantFrom('up{$labels}', 'up', '1'),
    fc
      .tuple(fc.constantFrom('+', '/', ' or ', ' and on (host) ', ' > bool '), tie('expression'), tie('expression'))
      .map(([operator, left, right]) => `${left}${operator}${right}`),
    fc
      .tuple(fc.constantFrom('sum', 'abs', 'absent', 'topk by (host)', 'nothing'), tie('expression'))
      .map(([name, inner]) => `${name}(${inner})`),
    tie('selector').map((selector) => `rate(${selector}[5m] offset 1h) # ${selector}\n`),
  ),
}));
const pieces = [
  'up',
  '{',
  '}',
  '$labels',
  ',',
  'cluster="other"',
  ' or ',
  'sum(',
  ')',
  '[5m]',
  '"',
  "'",
  '`',
  '\\',
  '#',
  '\n',
];
const rubbish = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((all) => all.join('')),
  fc.string(),
);

test('whatever an author writes, no selector of what is served reaches beyond its service', () => {
  let served = 0;
  fc.assert(
    fc.property(fc.oneof(expression, expression, rubbish), (expr) => {
      let text: string;
      try {
        text = bound(expr);
      } catch (error) {
        expect(error).toBeInstanceOf(ExpressionRefusedError);
        return;
      }
      served += 1;
      const selectors = selectorsOf(text);
      expect(selectors.length).toBeGreaterThan(0);
      for (const own of selectors) expect(own).toEqual(expect.arrayContaining([...matchers]));
    }),
    { numRuns: 2_000 },
  );
  expect(served).toBeGreaterThan(50);
});

test('values of labels cannot end their string', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (cluster, service) => {
      const own = [matcher('cluster', cluster), matcher('service', service)];
      expect(selectorsOf(bindLabels('up{$labels} == 0', own))).toEqual([own]);
    }),
  );
});
