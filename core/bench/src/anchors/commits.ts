import { randomUUID } from 'node:crypto';
import { Client } from 'pg';

const ROWS = 100_000;
const BATCH = 500;

/**
 * Rows per second that the database itself makes durable: state and version of 500 random rows of 100,000 updated by one
 * statement, and as many entries of a log inserted with them, one commit after the other. A figure per round.
 */
export async function rawCommits(
  databaseUrl: string,
  { rounds, commits }: { readonly rounds: number; readonly commits: number },
): Promise<number[]> {
  const database = new Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    await database.query('create table bench_task (id int primary key, state text, version int, at timestamptz)');
    await database.query('create table bench_log (id bigserial primary key, task int, state text, at timestamptz)');
    await database.query(`insert into bench_task select i, 'PENDING', 0, now() from generate_series(1, ${ROWS}) i`);
    await database.query('analyze bench_task');
    const rates: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const begin = performance.now();
      for (let commit = 0; commit < commits; commit++) await database.query(update());
      rates.push((BATCH * commits) / ((performance.now() - begin) / 1000));
    }
    return rates;
  } finally {
    await database.query('drop table if exists bench_task, bench_log');
    await database.end();
  }
}

function update(): { name: string; text: string; values: unknown[] } {
  const ids = new Set<number>();
  while (ids.size < BATCH) ids.add(1 + Math.floor(Math.random() * ROWS));
  const state = randomUUID().slice(0, 8);
  return {
    name: 'bench-commit',
    text: `with changed as (
             update bench_task set state = r.state, version = version + 1, at = now()
             from unnest($1::int[], $2::text[]) as r(id, state) where bench_task.id = r.id
             returning bench_task.id, bench_task.state
           ) insert into bench_log (task, state, at) select id, state, now() from changed`,
    values: [[...ids], Array.from({ length: BATCH }, () => state)],
  };
}
