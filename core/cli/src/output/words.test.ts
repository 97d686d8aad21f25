import { expect, test } from 'vitest';
import { fit } from './live.ts';
import { table } from './table.ts';
import { clip, colours, widthOf } from './terminal.ts';
import { ago, bytes, duration, parseDuration } from './time.ts';

test('durations, ages and sizes are said as people say them', () => {
  expect([0, 1_900, 12_400, 65_000, 3_725_000].map(duration)).toEqual([
    '0.0 s',
    '1.9 s',
    '12 s',
    '1 min 5 s',
    '1 h 2 min',
  ]);
  expect([999, 14_200_000, 100_000_000, 2e9].map(bytes)).toEqual(['999 B', '14.2 MB', '100 MB', '2.0 GB']);
  const now = new Date('2026-01-01T00:10:00Z');
  expect(
    ['2026-01-01T00:09:59.5Z', '2026-01-01T00:09:20Z', '2026-01-01T00:07:00Z', null].map((at) => ago(at, now)),
  ).toEqual(['just now', '40 s ago', '3 min ago', '-']);
});

test('a duration is read with its unit, and nothing else is one', () => {
  expect(['90s', '10m', '1h', '2', '1.5m'].map(parseDuration)).toEqual([90_000, 600_000, 3_600_000, 2_000, 90_000]);
  expect(['', 'soon', '10 days', '-1s'].map(parseDuration)).toEqual([undefined, undefined, undefined, undefined]);
});

test('columns stand under their titles whatever colours their cells have', () => {
  const { green, bold } = colours(true);
  const rows = [
    { name: 'host1', state: green('RUNNING') },
    { name: 'a-long-name', state: 'STOPPED' },
  ];
  const text = table(
    rows,
    [
      { title: 'HOST', cell: ({ name }) => name },
      { title: 'STATE', cell: ({ state }) => state },
    ],
    bold,
  );
  expect(
    text
      .split('\n')
      .slice(0, 3)
      .map((line) => widthOf(line.split('  ')[0] ?? '')),
  ).toEqual([4, 5, 11]);
  expect(text).toContain(`host1        ${green('RUNNING')}\n`);
});

test('long texts are cut and say so; colours of a cut line stay whole', () => {
  expect(clip('configuration', 8)).toBe('configu…');
  const { red } = colours(true);
  expect(fit(`${red('failed')} on host1`, 10)).toBe(`${red('failed')} on\u001B[0m…`);
  expect(fit('short', 10)).toBe('short');
});
