import { expect, test } from 'vitest';
import { lookAgainMs } from './refill.ts';

test('on a quiet machine a runner may be started at once', () => {
  expect(lookAgainMs({ waitedMs: 0, busy: false, random: 0.5 })).toBeUndefined();
});

test('on a busy machine it waits, agents that share it not for the same time', () => {
  const waits = [0, 0.5, 1].map((random) => lookAgainMs({ waitedMs: 200, busy: true, random }));
  expect(waits).toEqual([100, 150, 200]);
});

test('a machine that is always busy gets its runners after some seconds', () => {
  let waitedMs = 0;
  for (let rounds = 0; rounds < 100; rounds += 1) {
    const again = lookAgainMs({ waitedMs, busy: true, random: rounds % 2 });
    if (again === undefined) break;
    waitedMs += again;
  }
  expect(waitedMs).toBeGreaterThanOrEqual(3_000);
  expect(waitedMs).toBeLessThan(3_300);
});
