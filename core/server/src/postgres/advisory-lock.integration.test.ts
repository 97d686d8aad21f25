import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { acquireServerLock, type ServerLock } from './advisory-lock.ts';
import { startTestPostgres, type TestPostgres, testPostgresKinds } from './testing.ts';
import { createWorld, eventually, query } from './testing-world.ts';

describe.each(testPostgresKinds())('The lock of the one server (%s PostgreSQL)', (kind) => {
  let postgres: TestPostgres;
  let url: string;
  let locks: ServerLock[];
  const lost: string[] = [];

  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
  });
  afterAll(() => postgres.stop());
  beforeEach(async () => {
    url = await postgres.createDatabase();
    locks = [];
    lost.length = 0;
  });
  afterEach(async () => {
    for (const lock of locks) await lock.release();
  });

  async function acquire(of = url): Promise<ServerLock> {
    const lock = await acquireServerLock({ url: of, onLost: (reason) => lost.push(reason) });
    locks.push(lock);
    return lock;
  }

  test('is refused to a second one, which is told who has it', async () => {
    await acquire();
    await expect(acquire()).rejects.toMatchObject({
      code: 'SERVER_LOCK_HELD',
      holder: expect.stringMatching(new RegExp(`^process ${process.pid} on `)),
      message: expect.stringMatching(/^Another server works on the database at .* since 20\d\d-.*\)\. Only one may/),
    });
    expect(lost).toEqual([]);
  });

  test('is free again after a release, and that is no loss', async () => {
    const first = await acquire();
    await first.release();
    await first.release();
    await acquire();
    expect(lost).toEqual([]);
  });

  test('belongs to one database', async () => {
    await acquire();
    await acquire(await postgres.createDatabase());
  });

  test('is lost with its connection, once, and then free', async () => {
    await acquire();
    await query(
      postgres.adminUrl,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name LIKE 'stackyard-server%' AND datname = '${new URL(url).pathname.slice(1)}'`,
    );
    await eventually(() => lost.length > 0);
    expect(lost).toEqual([expect.stringMatching(/terminating connection/)]);
    await acquire();
    expect(lost).toHaveLength(1);
  });

  test('is refused in a sentence without the password when the login is wrong', async () => {
    const wrong = new URL(url);
    wrong.password = 'wrongsecret';
    const error = await acquire(wrong.href).catch((refusal: Error) => refusal);
    expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    expect((error as Error).message).toMatch(/password authentication failed.*Check DATABASE_URL/);
    expect((error as Error).message).not.toContain('wrongsecret');
  });
});

test('The lock is lost when PostgreSQL is killed', async () => {
  const world = createWorld();
  try {
    const running = await world.start({ dataDir: await world.newDir() });
    const reasons: string[] = [];
    await acquireServerLock({ url: running.url, onLost: (reason) => reasons.push(reason) });
    process.kill(running.pid, 'SIGKILL');
    await eventually(() => reasons.length > 0);
    expect(reasons).toHaveLength(1);
    await running.stop();
  } finally {
    await world.clean();
  }
});

test('A database that does not answer is named in a sentence', async () => {
  const url = 'postgresql://me:secret@127.0.0.1:1/yard';
  await expect(acquireServerLock({ url, onLost: () => undefined })).rejects.toMatchObject({
    code: 'DATABASE_UNREACHABLE',
    message: expect.stringMatching(/^The database at 127\.0\.0\.1:1\/yard can't be used: .*ECONNREFUSED/),
  });
});
