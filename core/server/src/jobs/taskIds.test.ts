import { expect, test } from 'vitest';
import { taskIds } from './taskIds.ts';

test('ids of the tasks of a job are UUIDs of version 7 that grow with their nodes, however many there are', () => {
  const ids = taskIds(40_000, Date.UTC(2026, 10, 26));
  expect(ids).toEqual(ids.toSorted());
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of [ids[0], ids[16_383], ids[16_384], ids.at(-1)]) {
    expect(id).toMatch(/^01a21526-e400-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test('jobs that are made in the same millisecond share none, and a later one has greater ones', () => {
  const [one, other, later] = [taskIds(100, 1_000), taskIds(100, 1_000), taskIds(100, 1_001)];
  expect(new Set([...one, ...other]).size).toBe(200);
  expect([one, other].every((ids) => ids.at(-1)! < later[0]!)).toBe(true);
});
