import { expect, test } from 'vitest';
import { type Admission, GreetingQueue } from './admission.ts';

const said = (admission: Admission): string =>
  admission.kind === 'wait' ? `wait ${admission.forMs}` : `away ${admission.retryAfterMs}`;
const greet = (queue: GreetingQueue, times: number, nowMs: number): string[] =>
  Array.from({ length: times }, () => said(queue.admit(nowMs)));

test('a few are greeted at once, the next ones in turn, and the rest are told when to come', () => {
  const queue = new GreetingQueue({ perSecond: 10, burst: 2, longestWaitMs: 300 });
  expect(greet(queue, 8, 0)).toEqual([
    'wait 0',
    'wait 0',
    'wait 100',
    'wait 200',
    'wait 300',
    // One after the other, so that they do not come back as the crowd they are.
    'away 500',
    'away 600',
    'away 700',
  ]);
});

test('those who were sent away are greeted when they come back, and a quiet time makes room for a burst again', () => {
  const queue = new GreetingQueue({ perSecond: 10, burst: 2, longestWaitMs: 300 });
  greet(queue, 8, 0);
  expect([500, 600, 700].flatMap((nowMs) => greet(queue, 1, nowMs))).toEqual(['wait 0', 'wait 0', 'wait 0']);
  expect(greet(queue, 3, 60_000)).toEqual(['wait 0', 'wait 0', 'wait 100']);
});

test('a thousand agents that come at once are all greeted within the time that their number takes', () => {
  const queue = new GreetingQueue({ perSecond: 400, burst: 100, longestWaitMs: 5_000 });
  const waits = Array.from({ length: 1_000 }, () => queue.admit(0));
  expect(waits.every(({ kind }) => kind === 'wait')).toBe(true);
  expect(said(waits.at(-1)!)).toBe('wait 2250');
});
