import { expect, test } from 'vitest';
import { lookAgainMs } from './quietMoment.ts';

const longestMs = 3_000;

test('on a quiet machine what can wait is done at once', () => {
  expect(lookAgainMs({ waitedMs: 0, longestMs, busy: false, random: 0.5 })).toBeUndefined();
});

test('on a busy machine it waits, agents that share it not for the same time', () => {
  const waits = [0, 0.5, 1].map((random) => lookAgainMs({ waitedMs: 200, longestMs, busy: true, random }));
  expect(waits).toEqual([100, 150, 200]);
});

test('on a machine that is always busy it is done in the end', () => {
  let waitedMs = 0;
  for (let rounds = 0; rounds < 100; rounds += 1) {
    const again = lookAgainMs({ waitedMs, longestMs, busy: true, random: rounds % 2 });
    if (again === undefined) break;
    waitedMs += again;
  }
  expect(waitedMs).toBeGreaterThanOrEqual(longestMs);
  expect(waitedMs).toBeLessThan(longestMs + 300);
});
