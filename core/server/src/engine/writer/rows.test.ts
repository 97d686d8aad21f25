import { expect, test } from 'vitest';
import { inColumns } from './rows.ts';

const rows = inColumns([
  ['id', 'id', 'uuid'],
  ['reason', 'reason', 'text'],
  ['endedAt', 'ended_at', 'timestamptz'],
  ['outputs', 'outputs', 'jsonb'],
]);

test('columns are typed where they are read, with parameters one after the other', () => {
  expect(rows.from(3)).toBe(
    `(select "id"::uuid as "id", "reason" as "reason", to_timestamp("endedAt" / 1000) as "endedAt", "outputs"::jsonb as "outputs" from unnest($3::text[], $4::text[], $5::float8[], $6::text[]) as sent("id", "reason", "endedAt", "outputs")) as r`,
  );
});

test('of a column that no row fills only its type is sent', () => {
  const id = '3b1f2c1e-0000-4000-8000-000000000000';
  const [ids, reasons, times, outputs] = rows.values([
    { id, reason: null },
    { id, outputs: { port: '1' } },
  ]);
  expect(ids!.length).toBe(20 + 2 * (4 + 36));
  expect([reasons!.length, times!.length]).toEqual([12, 12]);
  expect(outputs!.length).toBe(20 + 4 + 4 + '{"port":"1"}'.length);
});
