import { expect, test } from 'vitest';
import { figureOf, lineOf, median, quantile, rowOf } from './figures.ts';

test('a figure is made of the lowest, the middle and the highest value', () => {
  const figure = figureOf({ name: 'x', unit: 'ms', aim: '< 25' }, [30, 10, 20, 40, 50]);
  expect(figure).toEqual({ name: 'x', unit: 'ms', min: 10, median: 30, max: 50, count: 5, aim: '< 25' });
  expect(rowOf(figure)).toBe('| x | ms | 10.0 | 30.0 | 50.0 | 5 | < 25 |');
  expect(lineOf(figure)).toContain('aim < 25');
});

test('a figure of nothing is refused', () => {
  expect(() => figureOf({ name: 'x', unit: 'ms' }, [])).toThrow('Nothing was measured for "x".');
});

test('quantiles are values that were measured', () => {
  const values = Array.from({ length: 100 }, (_, index) => index);
  expect([quantile(values, 0), quantile(values, 0.99), quantile(values, 1)]).toEqual([0, 99, 99]);
  expect(median([3, 1, 2])).toBe(2);
});
