import { expect, test } from 'vitest';
import { parseDurations, parseFailures } from './options.ts';

test('durations are fixed, in a range or around a mean, for all phases or for some', () => {
  expect(parseDurations('20')).toEqual({ duration: { kind: 'fixed', ms: 20 }, phases: {} });
  expect(parseDurations('start=1.5s..1m, check=~200ms,50ms')).toEqual({
    duration: { kind: 'fixed', ms: 50 },
    phases: { start: { kind: 'range', fromMs: 1_500, toMs: 60_000 }, check: { kind: 'around', meanMs: 200 } },
  });
});

test('failures are one in so many or a part of all, for all phases or for some; they fail, hang or are lost', () => {
  expect(parseFailures('1/50')).toEqual([{ how: 'fail', phase: undefined, every: 50 }]);
  expect(parseFailures('start=2%,check=hang:0.1%,lost:1/1000')).toEqual([
    { how: 'fail', phase: 'start', rate: 0.02 },
    { how: 'hang', phase: 'check', rate: 0.001 },
    { how: 'lost', phase: undefined, every: 1000 },
  ]);
});

test.each(['', 'soon', '-5', '3s..1s', '1..2..3', '~', 'begin=5', '5h'])('--durations %s is refused', (text) => {
  expect(() => parseDurations(text)).toThrow(/^--durations/);
});

test.each(['', '50', '0/5', '1/0', '101%', 'crash:1/5', 'begin=1/5', '1e3%'])('--failures %s is refused', (text) => {
  expect(() => parseFailures(text)).toThrow(/^--failures/);
});
