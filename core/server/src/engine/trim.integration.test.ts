import { randomUUID } from 'node:crypto';
import { createLogger, systemClock } from '@stackyard/kernel';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Database, openDatabase } from '../database/openDatabase.ts';
import { startTestPostgres, type TestPostgres } from '../postgres/testing.ts';
import { Trimmer } from './trim.ts';
import { until } from './testing/world.ts';

let postgres: TestPostgres;
let db: Database;
beforeAll(async () => {
  postgres = await startTestPostgres('embedded');
});
afterAll(() => postgres?.stop());
beforeEach(async () => {
  db = await openDatabase({ url: await postgres.createDatabase() });
});
afterEach(() => db.close());

const DAY_MS = 86_400_000;
const trimmer = (everyMs = DAY_MS): Trimmer =>
  new Trimmer({
    sql: db.sql,
    retention: { eventsMs: 2 * DAY_MS, auditMs: 3 * DAY_MS, lateMs: DAY_MS },
    log: createLogger({ level: 'silent' }),
    clock: systemClock,
    everyMs,
  });
/** Events from the id `first` on, all of them so many days old. */
const events = (first: number, count: number, days: number) =>
  db.sql.query(
    `insert into event_run (id, first_id, after_id, topic, payloads, at)
     select id, id, id - 1, 'host', '[{}]', now() - $3 * interval '1 day' from generate_series($1::int, $1::int + $2::int - 1) as id`,
    [first, count, days],
  );
const kept = async (): Promise<{ count: number; first: number; last: number }> =>
  (await db.sql.query('select count(*)::int as count, min(id)::int as first, max(id)::int as last from event_run'))
    .rows[0];

test('events older than is to be kept go, in as many batches as it takes; the others stay', async () => {
  await events(1, 2500, 3);
  await events(2501, 10, 1);
  await trimmer().trim();
  expect(await kept()).toEqual({ count: 10, first: 2501, last: 2510 });
});

test('the newest event stays however old it is, so that no id is given twice', async () => {
  await events(1, 5, 30);
  await trimmer().trim();
  expect(await kept()).toEqual({ count: 1, first: 5, last: 5 });
});

test('old entries of the audit trail go, and what was reported too late for old attempts', async () => {
  const ago = (days: number): Date => new Date(Date.now() - days * DAY_MS);
  for (const days of [2, 4]) {
    await db.sql.query(
      `insert into audit_entry (id, at, principal, action, resource, request_id, status) values ($1, $2, 'p', 'a', 'r', 'q', 200)`,
      [randomUUID(), ago(days)],
    );
    const taskId = randomUUID();
    await db.sql.query(
      `insert into attempt (id, task_id, job_id, host_id, number, state, log_size, finished_at, late)
       values ($1, $2, $2, $2, 1, 'FAILED', 0, $3, '{"exitCode": 0}')`,
      [`${taskId}/1`, taskId, ago(days / 3)],
    );
  }
  await trimmer().trim();
  expect((await db.sql.query('select 1 from audit_entry')).rowCount).toBe(1);
  const late = await db.sql.query('select late is null as gone from attempt order by finished_at');
  expect(late.rows.map(({ gone }) => gone)).toEqual([true, false]);
});

test('it happens by itself while the server runs, and not after', async () => {
  const running = trimmer(20);
  running.start();
  try {
    await events(1, 5, 30);
    await until(async () => (await kept()).count === 1);
  } finally {
    await running.stop();
  }
});
