import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { createLogger, systemClock } from '@stackyard/kernel';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Cluster, Host } from '../../database/entities.ts';
import { beginEpoch } from '../../database/epoch.ts';
import { type Database, openDatabase } from '../../database/openDatabase.ts';
import { startTestPostgres, type TestPostgres, testPostgresKinds } from '../../postgres/testing.ts';
import type { EventPayload } from '../ports.ts';
import { outbox } from '../testing/outbox.ts';
import { until } from '../testing/world.ts';
import { pendingAttempt } from '../core/job.ts';
import { Writer } from './writer.ts';

/** What the driver does not show of a connection. */
interface PgInside {
  readonly processID: number;
  readonly connection: { readonly stream: Socket };
}

const hostEvent = (name: string): EventPayload => ({ kind: 'host', hostId: 'h', name, change: 'joined' });

describe.each(testPostgresKinds())('the writer on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let db: Database;
  let writer: Writer;
  const fenced: Error[] = [];
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
  });
  afterAll(() => postgres?.stop());
  const makeWriter = async (): Promise<Writer> => {
    const { epoch } = await beginEpoch(db);
    return new Writer({
      db,
      epoch,
      log: createLogger({ level: 'silent' }),
      clock: systemClock,
      onFenced: (error) => fenced.push(error),
    });
  };
  beforeEach(async () => {
    fenced.length = 0;
    db = await openDatabase({ url: await postgres.createDatabase() });
    writer = await makeWriter();
  });
  afterEach(async () => {
    await writer.stop();
    await db.close();
  });

  const names = async (): Promise<string[]> =>
    (await db.sql.query<{ name: string }>(`select payload->>'name' as name from ${outbox} order by id`)).rows.map(
      ({ name }) => name,
    );

  test('what arrives together is one commit, and is told only after it', async () => {
    const told: string[] = [];
    for (const name of ['a', 'b', 'c'])
      writer.submit({ events: [{ topic: 'host', clusterId: undefined, payload: hostEvent(name) }] }, () =>
        told.push(name),
      );
    expect(told).toEqual([]);
    await writer.commit({});
    expect(told).toEqual(['a', 'b', 'c']);
    expect(await names()).toEqual(['a', 'b', 'c']);
    expect(writer.stats().commitMs.count).toBe(1);
  });

  test('events of a commit share rows where only their payloads differ, and every id is one of them', async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    const events = (clusterId: string, count: number) =>
      Array.from({ length: count }, (_, n) => ({
        topic: 'host' as const,
        clusterId,
        payload: hostEvent(`${clusterId} ${n}`),
      }));
    await writer.commit({ events: [...events(a, 230), ...events(b, 2)] });
    await writer.commit({ events: events(b, 1) });
    const runs = await db.sql.query('select first_id::int as first, id::int as last from event_run order by id');
    const spans = runs.rows.map(({ first, last }) => [first, last]);
    expect(spans).toEqual([
      [1, 100],
      [101, 200],
      [201, 230],
      [231, 232],
      [233, 233],
    ]);
    const { rows } = await db.sql.query(
      `select id::int, cluster_id as "clusterId", payload from ${outbox} order by id`,
    );
    expect(rows.map(({ id }) => id)).toEqual(rows.map((_, index) => index + 1));
    for (const { id, clusterId, payload } of rows.slice(0, 230)) {
      expect([clusterId, payload.name]).toEqual([a, `${a} ${id - 1}`]);
    }
  });

  test('of events with the same key in one commit the last stands', async () => {
    for (const name of ['a', 'b', 'c']) {
      writer.submit({
        events: [{ topic: 'host', clusterId: undefined, payload: hostEvent(name), key: name === 'b' ? 'other' : 'k' }],
      });
    }
    await writer.commit({});
    expect(await names()).toEqual(['b', 'c']);
  });

  test('transactions of others stand in the order of commits, and roll back with their events', async () => {
    const seen: number[] = [];
    writer.subscribe((newest) => seen.push(newest));
    const make = (name: string, fail = false) =>
      writer.run(async (tx) => {
        tx.em.create(Cluster, { id: randomUUID(), name, title: null, revision: 1, createdAt: new Date() });
        tx.event('host', undefined, hostEvent(name));
        await writer.append('host', undefined, hostEvent(`${name} inside`));
        if (fail) throw new Error('changed my mind');
        return name;
      });
    const all = [
      writer.append('host', undefined, hostEvent('first')),
      make('one'),
      make('broken', true).catch(() => 'rolled back'),
      make('two'),
      writer.append('host', undefined, hostEvent('last')),
    ];
    expect(await Promise.all(all)).toEqual([undefined, 'one', 'rolled back', 'two', undefined]);
    const { rows } = await db.sql.query<{ name: string }>('select name from cluster order by name');
    expect(rows.map(({ name }) => name)).toEqual(['one', 'two']);
    expect((await names()).toSorted()).toEqual(['first', 'last', 'one', 'one inside', 'two', 'two inside']);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect((await db.sql.query(`select count(*)::int as count, max(id)::int as max from ${outbox}`)).rows).toEqual([
      { count: 6, max: 6 },
    ]);
  });

  const naming = (id: string, name: string, revision: number) => ({
    name: 'test-naming',
    text: `go as (select cluster.id from cluster, fence where cluster.id = $4 and cluster.revision = $6 for update of cluster),
      named as (update cluster set name = $5 from go where cluster.id = go.id)`,
    values: [id, name, revision],
  });
  const makeCluster = async (): Promise<string> => {
    const id = randomUUID();
    await db.em().insert(Cluster, { id, name: 'first', revision: 1, createdAt: new Date() });
    return id;
  };
  const clusterName = async () => (await db.sql.query<{ name: string }>('select name from cluster')).rows[0]?.name;

  test('a transaction of one statement happens with its events, in the order of commits, or not at all', async () => {
    const id = await makeCluster();
    const said: number[] = [];
    writer.subscribe((newestId) => said.push(newestId));
    const event = (name: string) => ({ topic: 'host' as const, clusterId: undefined, payload: hostEvent(name) });
    const answers = await Promise.all([
      writer.append('host', undefined, hostEvent('a')),
      writer.execute(naming(id, 'second', 1), [event('b'), event('c')]),
      writer.execute(naming(id, 'third', 7), [event('never')]),
      writer.run(async (tx) => tx.event('host', undefined, hostEvent('d'))),
    ]);
    expect(answers).toEqual([undefined, true, undefined, undefined]);
    await expect(writer.execute(naming('no uuid', 'x', 1), [event('never')])).rejects.toThrow(/uuid/);
    await writer.append('host', undefined, hostEvent('e'));
    expect([await clusterName(), await names()]).toEqual(['second', ['a', 'b', 'c', 'd', 'e']]);
    expect(said).toEqual([1, 3, 4, 5]);
  });

  test('a connection that broke while nothing was asked of it does not fail the next statement', async () => {
    const id = await makeCluster();
    await writer.append('host', undefined, hostEvent('a'));
    await db.sql.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    await until(() => db.sql.idleCount === db.sql.totalCount);
    expect(await writer.execute(naming(id, 'second', 1), [])).toBe(true);
  });

  test('a terminal attempt never changes, nor one that was issued with another envelope', async () => {
    const [taskId, jobId, hostId] = [randomUUID(), randomUUID(), randomUUID()];
    const pending = pendingAttempt({ id: taskId, jobId, hostId }, 1);
    const attempt = { ...pending, state: 'RUNNING' as const, envelopeHash: 'aa' };
    const state = async () => (await db.sql.query('select state, envelope_hash as hash from attempt')).rows[0];
    await writer.commit({ attempts: [pending] });
    await writer.commit({ attempts: [attempt] });
    await writer.commit({ attempts: [{ ...attempt, state: 'FAILED', envelopeHash: 'bb' }] });
    expect(await state()).toEqual({ state: 'RUNNING', hash: 'aa' });
    await writer.commit({ attempts: [{ ...attempt, state: 'SUCCESSFUL' }] });
    await writer.commit({ attempts: [{ ...attempt, state: 'FAILED' }] });
    expect(await state()).toEqual({ state: 'SUCCESSFUL', hash: 'aa' });
  });

  test('a change that cannot be stored does not hold up the others', async () => {
    const good = writer.append('host', undefined, hostEvent('good'));
    const bad = writer.commit({ events: [{ topic: 'host', clusterId: 'not a uuid', payload: hostEvent('bad') }] });
    const late = writer.append('host', undefined, hostEvent('also good'));
    await expect(bad).rejects.toThrow(/uuid/);
    await Promise.all([good, late]);
    expect(await names()).toEqual(['good', 'also good']);
  });

  test('text that PostgreSQL cannot hold is cleaned', async () => {
    await writer.append('host', undefined, hostEvent('a\u0000b\ud800c \\u0000'));
    expect(await names()).toEqual(['ab\ufffdc \\u0000']);
  });

  test('a lost connection delays a commit and never doubles it', async () => {
    await writer.append('host', undefined, hostEvent('before'));
    for (let round = 0; round < 20; round++) {
      const commit = writer.append('host', undefined, hostEvent(`${round}`));
      await db.sql
        .query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
        )
        .catch(() => undefined);
      await commit;
    }
    expect(await names()).toEqual(['before', ...Array.from({ length: 20 }, (_, round) => `${round}`)]);
  });

  test('a commit whose answer is lost while it waits for a lock happens once, although it is tried again meanwhile', async () => {
    const connections: PgInside[] = [];
    db.sql.on('acquire', (client) => void connections.push(client as unknown as PgInside));
    await writer.append('host', undefined, hostEvent('before'));
    const other = await db.sql.connect();
    try {
      await other.query('begin');
      await other.query('select 1 from installation for update');
      const commit = writer.append('host', undefined, hostEvent('once'));
      const held = `select pid from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and state = 'active'`;
      await until(async () => (await db.sql.query(held)).rowCount === 1);
      // Only this side of the connection is gone; the database goes on with what it was asked.
      const { pid } = (await db.sql.query<{ pid: number }>(held)).rows[0]!;
      connections.find(({ processID }) => processID === pid)!.connection.stream.destroy();
      await until(async () => (await db.sql.query(held)).rowCount === 2);
      await other.query('commit');
      await commit;
    } finally {
      other.release(true);
    }
    await writer.append('host', undefined, hostEvent('after'));
    expect(await names()).toEqual(['before', 'once', 'after']);
  });

  test('while nothing can be stored a transaction is refused after a while, and what was submitted is kept', async () => {
    await writer.append('host', undefined, hostEvent('before'));
    await db.sql.query(
      'create function full_disk() returns trigger language plpgsql as $$ begin raise exception using errcode = $e$53100$e$; end $$',
    );
    await db.sql.query('create trigger full_disk before update on installation execute function full_disk()');
    const kept = writer.append('host', undefined, hostEvent('kept'));
    await expect(writer.run(() => Promise.resolve())).rejects.toMatchObject({ code: '53100' });
    await db.sql.query('drop trigger full_disk on installation');
    await kept;
    expect(await names()).toEqual(['before', 'kept']);
    await writer.run(async (tx) => tx.event('host', undefined, hostEvent('after')));
    expect(await names()).toEqual(['before', 'kept', 'after']);
  }, 30_000);

  test('a newer server ends the older writer', async () => {
    const newer = await makeWriter();
    await expect(writer.append('host', undefined, hostEvent('old'))).rejects.toThrow(/Another server/);
    await expect(writer.run(() => Promise.resolve())).rejects.toThrow(/Another server/);
    await expect(writer.execute(naming(randomUUID(), 'x', 1), [])).rejects.toThrow(/Another server/);
    expect(fenced).toHaveLength(1);
    await newer.append('host', undefined, hostEvent('new'));
    expect(await names()).toEqual(['new']);
    await newer.stop();
    await expect(newer.append('host', undefined, hostEvent('late'))).rejects.toThrow(/stopping/);
  });

  test('a patch changes what it names and leaves the rest', async () => {
    const id = randomUUID();
    const em = db.em();
    em.create(Host, {
      id,
      name: 'n',
      address: 'a',
      bind: 'b',
      root: 'r',
      local: true,
      clusterId: null,
      trustedAuthorities: null,
      facts: null,
      journalId: null,
      hostBootId: null,
      agentBootId: null,
      agentVersion: null,
      sessionNo: 1,
      connected: false,
      lastSeenAt: null,
      joinedAt: new Date(),
    });
    await em.flush();
    const facts = {
      hostname: 'x',
      os: '',
      kernel: '',
      arch: '',
      cpus: 1,
      memory: 1,
      disk: 1,
      java: [],
      privileged: false,
      more: {},
    };
    writer.submit({ hosts: [{ id, connected: true }] });
    writer.submit({ hosts: [{ id, facts }] });
    await writer.commit({});
    const host = await db.em().findOneOrFail(Host, { id });
    expect(host).toMatchObject({ connected: true, facts: { hostname: 'x' }, address: 'a', sessionNo: 1, local: true });
  });
});
