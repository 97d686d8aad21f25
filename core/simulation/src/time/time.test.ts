import { expect, test } from 'vitest';
import { Process } from './process.ts';
import { Random } from './random.ts';
import { Timeline } from './timeline.ts';

test('numbers of a seed are these, on every machine', () => {
  const random = new Random(1);
  expect([random.below(1_000), random.below(1_000), random.below(1_000)]).toMatchInlineSnapshot(`
    [
      658,
      545,
      39,
    ]
  `);
  expect(new Random(1).fork('disk').below(1_000)).toMatchInlineSnapshot(`724`);
});

test('what one draws does not depend on what another has drawn', () => {
  const untouched = new Random(7);
  const used = new Random(7);
  for (let draws = 0; draws < 100; draws += 1) used.fraction();
  expect(used.fork('network').fraction()).toBe(untouched.fork('network').fraction());
  expect(used.fork('network').fraction()).not.toBe(used.fork('disk').fraction());
});

test('things happen by their time, and at the same time in the order they were asked for', () => {
  const timeline = new Timeline();
  const happened: string[] = [];
  timeline.after(20, () => happened.push('third'));
  timeline.after(10, () => happened.push('first'));
  timeline.after(10, () => happened.push('second'));
  timeline.after(15, () => happened.push('taken back'))();
  timeline.run(100, () => false);
  expect(happened).toEqual(['first', 'second', 'third']);
  expect(timeline.now).toBe(100);
});

test('a stopped process catches up in order when it goes on, a killed one never', () => {
  const timeline = new Timeline();
  const process = new Process(timeline, { rate: 2, since: 0 });
  const happened: string[] = [];
  process.after(20, () => happened.push(`a timer of 20 ms at ${timeline.now}`));
  process.later(15, () => happened.push(`an answer at ${timeline.now}`));
  process.later(40, () => happened.push('never'));
  timeline.after(5, () => process.stop(25));
  timeline.after(35, () => process.kill());
  timeline.run(100, () => false);
  expect(happened).toEqual(['a timer of 20 ms at 30', 'an answer at 30']);
});

test('what causes itself without end is noticed', () => {
  const timeline = new Timeline();
  const again = (): void => void timeline.after(0, again);
  again();
  expect(() => timeline.run(1, () => false)).toThrow('Time stands still');
});
