import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createWorld, eventually, groupOf, killed, parentOf, query, runs, type World } from './testing-world.ts';

let world: World;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.clean());

describe('After its server was killed', () => {
  test('PostgreSQL is adopted by the next one, rows and process kept', async () => {
    const dataDir = await world.newDir();
    const { child, told } = await world.serve({ dataDir });
    await query(told.url, 'CREATE TABLE t AS SELECT 42 AS n');
    await killed(child);
    const next = await world.start({ dataDir });
    expect(next).toMatchObject({ adopted: true, pid: told.pid, url: told.url, version: told.version });
    expect(await query(next.url, 'SELECT n FROM t')).toEqual([{ n: 42 }]);
    const guardian = parentOf(told.pid);
    await next.stop();
    expect(await runs(dataDir)).toBe(false);
    await eventually(() => groupOf(guardian).length === 0);
  });

  test('PostgreSQL is stopped by its guardian, which ends as well', async () => {
    const dataDir = await world.newDir();
    const { child, told } = await world.serve({ dataDir, guardianSeconds: 1 });
    const guardian = parentOf(told.pid);
    expect(groupOf(guardian)).not.toEqual([]);
    await killed(child);
    expect(await runs(dataDir)).toBe(true);
    await eventually(async () => !(await runs(dataDir)));
    await eventually(() => groupOf(guardian).length === 0);
    expect(await readFile(join(dataDir, 'postgres.log'), 'utf8')).toMatch(/database system is shut down\n$/);
  });

  test('an adopted PostgreSQL is left alone by the guardian, until that server is killed too', async () => {
    const dataDir = await world.newDir();
    const first = await world.serve({ dataDir, guardianSeconds: 2 });
    await killed(first.child);
    const second = await world.serve({ dataDir, guardianSeconds: 2 });
    expect(second.told).toMatchObject({ adopted: true, pid: first.told.pid });
    // The one thing to see here is that nothing happens while twice the grace time passes.
    await delay(4000);
    expect(await query(second.told.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await killed(second.child);
    await eventually(async () => !(await runs(dataDir)));
  });

  test("a start in the moment of the guardian's stop gets a running PostgreSQL, whoever is first", async () => {
    const dataDir = await world.newDir();
    let previous = (await world.serve({ dataDir, guardianSeconds: 1 })).child;
    const adopted = new Set<boolean>();
    for (const waitMs of [900, 950, 1000, 1010, 1020, 1030, 1040, 1060, 1100, 1150, 1250]) {
      await killed(previous);
      // The node process itself takes about 100 ms to get there.
      await delay(waitMs - 100);
      const { child, told } = await world.serve({ dataDir, guardianSeconds: 1 });
      expect(told.error).toBeUndefined();
      expect(await query(told.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      adopted.add(told.adopted);
      previous = child;
    }
    expect(adopted.has(false)).toBe(true);
  });

  test('a guardian that was killed is replaced by the next server', async () => {
    const dataDir = await world.newDir();
    const first = await world.serve({ dataDir, guardianSeconds: 1 });
    const guardian = parentOf(first.told.pid);
    for (const pid of groupOf(guardian)) if (pid !== first.told.pid) process.kill(pid, 'SIGKILL');
    await killed(first.child);
    const second = await world.serve({ dataDir, guardianSeconds: 1 });
    expect(second.told).toMatchObject({ adopted: true, pid: first.told.pid });
    await killed(second.child);
    await eventually(async () => !(await runs(dataDir)));
  });

  test('a release leaves PostgreSQL to the next server, each time', async () => {
    const dataDir = await world.newDir();
    let running = await world.start({ dataDir });
    const { pid } = running;
    for (let round = 0; round < 30; round++) {
      await running.release();
      // The guardian tries the lock meanwhile, at another moment in each round.
      await delay(round % 10);
      running = await world.start({ dataDir });
      expect(running).toMatchObject({ adopted: true, pid });
    }
    await running.stop();
    expect(await runs(dataDir)).toBe(false);
  });
});

test('A server killed at any moment of a first start leaves a directory that the next one can use', async () => {
  const dataDir = await world.newDir();
  for (const waitMs of [150, 250, 400, 700, 900, 1000]) {
    const serving = world.serve({ dataDir }).catch(() => undefined);
    await delay(waitMs);
    await world.killServers();
    await serving;
  }
  const running = await world.start({ dataDir });
  expect(await query(running.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await running.stop();
});

describe('After PostgreSQL was killed', () => {
  test('the next start recovers what was committed, while the guardian is gone', async () => {
    const dataDir = await world.newDir();
    const first = await world.start({ dataDir });
    const guardian = parentOf(first.pid);
    await query(first.url, 'CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) n');
    process.kill(first.pid, 'SIGKILL');
    await eventually(() => groupOf(guardian).length === 0);
    await first.stop();
    const second = await world.start({ dataDir });
    expect(second.adopted).toBe(false);
    expect(await query(second.url, 'SELECT count(*)::int AS n FROM t')).toEqual([{ n: 1000 }]);
    await second.stop();
  });

  test('a postmaster.pid whose number another program has now does not stop the start', async () => {
    const dataDir = await world.newDir();
    const first = await world.start({ dataDir });
    const file = join(dataDir, 'pgdata', 'postmaster.pid');
    const text = await readFile(file, 'utf8');
    process.kill(first.pid, 'SIGKILL');
    await first.stop();
    const other = spawn('sleep', ['600'], { cwd: join(dataDir, 'pgdata'), stdio: 'ignore' });
    try {
      await writeFile(file, text.replace(/^\d+/, String(other.pid)));
      const second = await world.start({ dataDir });
      expect(second.adopted).toBe(false);
      await second.stop();
      expect(other.exitCode).toBeNull();
    } finally {
      await killed(other);
    }
  });
});
