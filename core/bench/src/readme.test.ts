import { expect, test } from 'vitest';
import { figureOf } from './figures.ts';
import { replaceSection } from './readme.ts';

const text = '# Benches\n<!-- rest -->\nold\n<!-- end of rest -->\n\n<!-- latency -->\nkept\n<!-- end of latency -->\n';
const figures = [figureOf({ name: 'GET /server', unit: 'ms' }, [1, 2, 3])];

test('only what stands between the markers of a bench is replaced', () => {
  const replaced = replaceSection(text, { name: 'rest', load: 0.25, figures });
  expect(replaced).toContain('| GET /server | ms | 1.00 | 2.00 | 3.00 | 3 |  |');
  expect(replaced).toContain('load of the machine just before: 0.3.');
  expect(replaced).not.toContain('old');
  expect(replaced).toMatch(/^# Benches\n<!-- rest -->\n/);
  expect(replaced).toContain('<!-- latency -->\nkept\n<!-- end of latency -->\n');
});

test('a bench without a place in the text is refused', () => {
  expect(() => replaceSection(text, { name: 'planner', load: 0, figures })).toThrow('it lacks <!-- planner -->');
});
