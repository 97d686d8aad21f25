import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, type TestPostgres, testPostgresKinds } from '../postgres/testing.ts';
import { Cluster } from './entities.ts';
import { outbox } from '../engine/testing/outbox.ts';
import { beginEpoch } from './epoch.ts';
import { DatabaseUnreachableError, NewerDataError } from './errors.ts';
import { type Database, openDatabase } from './openDatabase.ts';

describe.each(testPostgresKinds())('the database on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  const open: Database[] = [];
  const database = async (url: string): Promise<Database> => {
    const db = await openDatabase({ url });
    open.push(db);
    return db;
  };
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
  });
  afterAll(async () => {
    await Promise.all(open.map((db) => db.close()));
    await postgres?.stop();
  });

  test('the migrations make exactly what the entities say, and run once', async () => {
    const url = await postgres.createDatabase();
    const db = await database(url);
    expect(await db.orm.schema.getUpdateSchemaSQL()).toBe('');
    const again = await database(url);
    expect((await again.orm.migrator.getPending()).length).toBe(0);
  });

  test('events that were stored one a row keep their ids in rows for several, and the other way round', async () => {
    const { orm, sql } = await database(await postgres.createDatabase());
    const only = { migrations: ['Migration20261126151448_common_of_events', 'Migration20261126054930_runs_of_events'] };
    await orm.migrator.down(only);
    const old = `select id::int, topic, payload, at::text from event order by id`;
    await sql.query(
      `insert into event (id, topic, payload, at) select n, 'host', json_build_object('n', n), now() from generate_series(3, 9, 2) n`,
    );
    const before = (await sql.query(old)).rows;
    await orm.migrator.up();
    const now = `select id::int, topic, payload, at::text from ${outbox} order by id`;
    expect((await sql.query(now)).rows).toEqual(before);
    await sql.query(
      `insert into event_run (id, first_id, after_id, topic, payloads, at) values (12, 11, 9, 'job', '[{"n":1},{"n":2}]', now())`,
    );
    const after = (await sql.query(now)).rows;
    expect(after.slice(-2)).toMatchObject([
      { id: 11, payload: { n: 1 } },
      { id: 12, payload: { n: 2 } },
    ]);
    await expect(
      sql.query(
        `insert into event_run (id, first_id, after_id, topic, payloads, at) values (13, 12, 12, 'job', '[{},{}]', now())`,
      ),
    ).rejects.toThrow(/event_run_check/);
    await orm.migrator.down(only);
    expect((await sql.query(old)).rows).toEqual(after);
  });

  test('what events of a row have in common goes back into each of them', async () => {
    const { orm, sql } = await database(await postgres.createDatabase());
    await sql.query(
      `insert into event_run (id, first_id, after_id, topic, common, payloads, at) values
       (2, 1, 0, 'job', '{"kind":"job","title":"t"}', '[{"n":1},{"n":2}]', now()), (3, 3, 2, 'job', null, '[{"n":3}]', now())`,
    );
    const stored = `select id::int, payload from ${outbox} order by id`;
    const { rows } = await sql.query(stored);
    expect(rows[0]).toEqual({ id: 1, payload: { kind: 'job', title: 't', n: 1 } });
    await orm.migrator.down({ migrations: ['Migration20261126151448_common_of_events'] });
    expect((await sql.query('select payloads from event_run order by id')).rows.flatMap((row) => row.payloads)).toEqual(
      rows.map(({ payload }) => payload),
    );
    await orm.migrator.up();
    expect((await sql.query(stored)).rows).toEqual(rows);
  });

  test('every epoch is higher than the one before and not below the clock; the installation stays', async () => {
    const db = await database(await postgres.createDatabase());
    const first = await beginEpoch(db, new Date(5_000_000));
    const second = await beginEpoch(db, new Date(4_000_000));
    const third = await beginEpoch(db, new Date(9_000_000));
    expect([first.epoch, second.epoch, third.epoch]).toEqual([5000, 5001, 9000]);
    expect(third.installId).toBe(first.installId);
  });

  test('data of a newer version is refused with a sentence', async () => {
    const url = await postgres.createDatabase();
    const db = await database(url);
    await db.sql.query(`insert into mikro_orm_migrations (name) values ('Migration29990101000000_future')`);
    await expect(openDatabase({ url })).rejects.toThrow(NewerDataError);
    await expect(openDatabase({ url })).rejects.toThrow(/newer version of Stackyard/);
  });

  test('a database that cannot be entered is named without its password', async () => {
    const url = new URL((await postgres.createDatabase()).replace(/\/test_\d+/, '/absent'));
    url.password = 'hunter2';
    const failure = await openDatabase({ url: url.href }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DatabaseUnreachableError);
    expect(String(failure)).not.toContain('hunter2');
  });

  test('connections that the server ended are replaced', async () => {
    const db = await database(await postgres.createDatabase());
    const em = db.em();
    await em.find(Cluster, {});
    const { rows } = await db.sql.query<{ pid: number }>(
      'select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    for (const { pid } of rows) await db.sql.query('select pg_terminate_backend($1)', [pid]);
    await expect
      .poll(() =>
        db
          .em()
          .find(Cluster, {})
          .catch(() => 'broken'),
      )
      .toEqual([]);
  });
});
