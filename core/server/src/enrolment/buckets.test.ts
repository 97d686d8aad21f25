import { expect, test } from 'vitest';
import { Buckets } from './buckets.ts';

test('a burst passes, then as many as the rate says, each key for itself', () => {
  const buckets = new Buckets({ burst: 3, perSecond: 2 });
  const passed = (key: string, times: number, nowMs: number) =>
    Array.from({ length: times }, () => buckets.take(key, nowMs)).filter(Boolean).length;
  expect(passed('a', 10, 0)).toBe(3);
  expect(passed('b', 10, 0)).toBe(3);
  expect(passed('a', 10, 1000)).toBe(2);
  expect(passed('a', 10, 1400)).toBe(0);
  expect(passed('a', 10, 1500)).toBe(1);
  expect(passed('a', 10, 3_600_000)).toBe(3);
});

test('keys without end take no memory without end', () => {
  const buckets = new Buckets({ burst: 1, perSecond: 0 }, 2);
  expect([buckets.take('a', 0), buckets.take('b', 0), buckets.take('a', 0), buckets.take('c', 0)]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  // "b" was seen longest ago, and is forgotten.
  expect([buckets.take('a', 0), buckets.take('b', 0)]).toEqual([false, true]);
});

test('what is given back can be taken again, but never more than a burst', () => {
  const buckets = new Buckets({ burst: 2, perSecond: 0 });
  for (let round = 0; round < 10; round++) {
    expect(buckets.take('a', 0)).toBe(true);
    buckets.giveBack('a');
  }
  buckets.giveBack('a');
  expect([buckets.take('a', 0), buckets.take('a', 0), buckets.take('a', 0)]).toEqual([true, true, false]);
});
