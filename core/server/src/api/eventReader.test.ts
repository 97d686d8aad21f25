import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { EventReader } from './eventReader.ts';

/** A pool that answers what it is asked for. */
function pool() {
  const asked: unknown[][] = [];
  const query = async ({ values }: { values: unknown[] }) => {
    asked.push(values);
    return { rows: [{ firstId: asked.length }] };
  };
  return { sql: { query } as unknown as Pool, asked };
}
const all = { topics: undefined, clusterId: undefined, after: 7, limit: 500 };

test('streams that ask for the same in one turn share a statement, others have their own', async () => {
  const { sql, asked } = pool();
  const reader = new EventReader(sql);
  const jobs = { ...all, topics: ['job'] };
  const read = [all, jobs, all, { ...all, after: 6 }, { ...jobs }, { ...all, clusterId: 'c' }];
  const rows = await Promise.all(read.map((wanted) => reader.read(wanted)));
  expect(rows.map(([row]) => row?.firstId)).toEqual([1, 2, 1, 3, 2, 4]);
  expect(asked).toEqual([
    [7, 500],
    [7, ['job'], 500],
    [6, 500],
    [7, 'c', 500],
  ]);
});

test('who asks later is not answered by what was read before: a commit may have come between', async () => {
  const { sql, asked } = pool();
  const reader = new EventReader(sql);
  const first = reader.read(all);
  await Promise.resolve();
  await Promise.resolve();
  const second = reader.read(all);
  expect([await first, await second]).toEqual([[{ firstId: 1 }], [{ firstId: 2 }]]);
  expect(asked.length).toBe(2);
});
