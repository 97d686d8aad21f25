import { expect, test } from 'vitest';
import { paceOf } from './pace.ts';

const usual = { heartbeatMs: 5_000, leaseMs: 30_000, lostAfterMs: 600_000 };

test('up to a thousand agents keep the pace that is set, more of them slow down together', () => {
  expect(paceOf(usual, 0)).toEqual({ heartbeatMs: 5_000, leaseMs: 30_000 });
  expect(paceOf(usual, 1_000)).toEqual({ heartbeatMs: 5_000, leaseMs: 30_000 });
  expect(paceOf(usual, 5_000)).toEqual({ heartbeatMs: 25_000, leaseMs: 150_000 });
});

test('no lease outlasts the time after which an attempt is given up', () => {
  expect(paceOf(usual, 100_000)).toEqual({ heartbeatMs: 100_000, leaseMs: 600_000 });
  expect(paceOf({ ...usual, lostAfterMs: 30_000 }, 100_000)).toEqual({ heartbeatMs: 5_000, leaseMs: 30_000 });
});
