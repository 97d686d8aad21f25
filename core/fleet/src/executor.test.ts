import { expect, test } from 'vitest';
import { type FakeExecution, fakeResult, fateOf } from './executor.ts';
import { randomOf } from './random.ts';

const at = (phase: string, execution: FakeExecution, tasks = 1000) => {
  const random = randomOf(7);
  const counts = new Map<string, number>();
  return Array.from({ length: tasks }, () => {
    for (const key of ['', phase]) counts.set(key, (counts.get(key) ?? 0) + 1);
    return fateOf(phase, execution, { counts, random });
  });
};
const fixed = { kind: 'fixed', ms: 20 } as const;
const mean = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

test('a phase lasts as long as it is told, the others as all do', () => {
  const execution: FakeExecution = { duration: fixed, phases: { start: { kind: 'fixed', ms: 200 } } };
  expect(at('start', execution, 1)).toEqual([{ durationMs: 200, mishap: undefined }]);
  expect(at('check', execution, 1)).toEqual([{ durationMs: 20, mishap: undefined }]);
});

test('a range is left at neither end; a distribution has its mean, and a long tail', () => {
  const range = at('check', { duration: { kind: 'range', fromMs: 100, toMs: 200 } }).map(
    ({ durationMs }) => durationMs,
  );
  expect(Math.min(...range)).toBeGreaterThanOrEqual(100);
  expect(Math.max(...range)).toBeLessThanOrEqual(200);
  expect(mean(range)).toBeGreaterThan(140);
  expect(mean(range)).toBeLessThan(160);
  const around = at('check', { duration: { kind: 'around', meanMs: 100 } }).map(({ durationMs }) => durationMs);
  expect(mean(around)).toBeGreaterThan(85);
  expect(mean(around)).toBeLessThan(115);
  expect(Math.max(...around)).toBeGreaterThan(400);
});

test('every n-th task of a phase goes wrong, or that part of all; the first rule that applies decides how', () => {
  const mishaps = (failures: FakeExecution['failures'], phase = 'start') =>
    at(phase, { duration: fixed, failures }).flatMap(({ mishap }) => mishap ?? []);
  expect(mishaps([{ how: 'fail', every: 50 }])).toEqual(Array(20).fill('fail'));
  expect(mishaps([{ how: 'lost', phase: 'stop', every: 1 }])).toEqual([]);
  expect(
    mishaps([
      { how: 'hang', phase: 'start', every: 500 },
      { how: 'fail', every: 250 },
    ]),
  ).toEqual(['fail', 'hang', 'fail', 'hang']);
  const atRandom = mishaps([{ how: 'fail', rate: 0.1 }]).length;
  expect(atRandom).toBeGreaterThan(60);
  expect(atRandom).toBeLessThan(140);
});

test('the same seed gives the same fates', () => {
  const execution: FakeExecution = { duration: { kind: 'around', meanMs: 50 }, failures: [{ how: 'fail', rate: 0.2 }] };
  expect(at('start', execution)).toEqual(at('start', execution));
});

test('an action gives back what it was asked, unless it fails', () => {
  const asked = {
    phase: 'action',
    expectedFiles: {},
    action: { name: 'greet', input: { entries: {} } },
    self: null,
  };
  const at0 = { startedAtMs: 0, logSize: 0 };
  const { outputs } = fakeResult(asked, 'success', at0);
  expect(JSON.parse(outputs['result'] ?? '')).toEqual({ simulated: 'greet', host: '', input: {} });
  expect(fakeResult(asked, 'fail', at0).outputs).toEqual({});
});
