import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { JobReader } from './reader.ts';

/** A pool whose rows are the ids it is asked for, but for `gone`; answers when it is let. */
function pool() {
  const asked: string[][] = [];
  const answers: (() => void)[] = [];
  const query = async ({ values: [ids] }: { values: [string[]] }) => {
    asked.push(ids);
    await new Promise<void>((resolve) => answers.push(resolve));
    return { rows: ids.filter((id) => id !== 'gone').map((id) => ({ id })) };
  };
  return { sql: { query } as unknown as Pool, asked, answers };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('who asks in one turn shares a statement, and each gets its own job', async () => {
  const { sql, asked, answers } = pool();
  const reader = new JobReader(sql);
  const jobs = Promise.all(['a', 'b', 'a', 'gone'].map((id) => reader.read(id)));
  await turn();
  answers.shift()?.();
  expect([await jobs, asked]).toEqual([[{ id: 'a' }, { id: 'b' }, { id: 'a' }, undefined], [['a', 'b', 'gone']]]);
});

test('who asks while a statement is on its way is not answered by it: a commit may have come between', async () => {
  const { sql, asked, answers } = pool();
  const reader = new JobReader(sql);
  const first = reader.read('a');
  await turn();
  const second = reader.read('a');
  await turn();
  expect(asked).toEqual([['a'], ['a']]);
  for (const answer of answers) answer();
  expect(await Promise.all([first, second])).toEqual([{ id: 'a' }, { id: 'a' }]);
});
