import { expect, test } from 'vitest';
import { backoffMs, longestWaitMs } from './backoff.ts';

test('waits double from a fifth of a second on, each spread over all of its time', () => {
  expect([0, 1, 2, 3].map((tries) => backoffMs(tries, 0.5))).toEqual([100, 200, 400, 800]);
  expect([0, 0.5, 0.999].map((random) => backoffMs(20, random))).toEqual([0, 5_000, 9_990]);
});

test('agents that beat seldom, since they are many, come back over a longer time', () => {
  expect(backoffMs(20, 0.999, longestWaitMs(5_000))).toBe(1_998);
  expect(backoffMs(20, 0.999, longestWaitMs(25_000))).toBe(9_990);
  expect([longestWaitMs(200), longestWaitMs(100_000)]).toEqual([2_000, 30_000]);
});
