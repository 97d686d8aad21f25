import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { type Account, commandFor, spawnIds } from './account.ts';
import type { Binaries } from './binaries.ts';
import { DatabaseCreationError, DataDirVersionError, DiskFullError, explained, PostgresStartError } from './errors.ts';
import { type Credentials, type Layout, syncDir } from './layout.ts';

/** The major version that made a PostgreSQL folder; undefined when there is none yet. */
export async function createdBy(pgdata: string): Promise<string | undefined> {
  return (await readFile(join(pgdata, 'PG_VERSION'), 'utf8').catch(() => undefined))?.trim();
}

/** Refuses a folder of another major version. */
export function checkMajor(layout: Layout, found: string, binaries: Binaries): void {
  if (found !== String(binaries.major)) throw new DataDirVersionError(layout.pgdata, found, String(binaries.major));
}

const creating = 'pgdata.creating-';

/** What first starts left that were killed before the database was complete. */
export async function unfinished(layout: Layout): Promise<readonly string[]> {
  return (await readdir(layout.dataDir)).filter((name) => name.startsWith(creating));
}

/** Makes the PostgreSQL folder: complete under its name, or not at all. */
export async function createDatabase(
  layout: Layout,
  account: Account,
  binaries: Binaries,
  admin: Credentials['admin'],
): Promise<void> {
  // A name of its own each time: a killed start may have left an `initdb` that still writes into its folder.
  const folder = join(layout.dataDir, `${creating}${randomBytes(4).toString('hex')}`);
  const passwordFile = join(layout.dataDir, '.initdb-password');
  const { uid, gid } = spawnIds(account);
  try {
    await writeFile(passwordFile, admin.password, { mode: 0o600 });
    await mkdir(folder, { mode: 0o700 });
    if (uid !== undefined && gid !== undefined) {
      // PostgreSQL must be able to enter the folder that its own lies in.
      for (const path of [layout.dataDir, passwordFile, folder]) await chown(path, uid, gid);
    }
    const options = ['-D', folder, '-U', admin.user, `--pwfile=${passwordFile}`, ...initdbOptions(binaries.major)];
    const { code, errors } = await run(commandFor(account, binaries.initdb, options), spawnIds(account));
    if (/No space left on device|Disk quota exceeded/i.test(errors)) throw new DiskFullError(layout.dataDir);
    if (code !== 0) throw new DatabaseCreationError(layout.dataDir, reasonOf(errors) ?? `initdb ended with ${code}`);
    await rename(folder, layout.pgdata);
    await syncDir(layout.dataDir);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** Makes the server's role, which has no rights beyond its own database, and that database. May be repeated. */
export async function provision(adminUrl: string, layout: Layout, credentials: Credentials): Promise<void> {
  const { application, database } = credentials;
  const role = escapeIdentifier(application.user);
  await asAdmin(adminUrl, layout, async (client) => {
    const exists = async (sql: string, name: string) => (await client.query(sql, [name])).rowCount !== 0;
    const verb = (await exists('SELECT 1 FROM pg_roles WHERE rolname = $1', application.user)) ? 'ALTER' : 'CREATE';
    await client.query(`${verb} ROLE ${role} LOGIN PASSWORD ${escapeLiteral(application.password)}`);
    if (!(await exists('SELECT 1 FROM pg_database WHERE datname = $1', database))) {
      await client.query(`CREATE DATABASE ${escapeIdentifier(database)} OWNER ${role}`);
    }
  });
}

/** Version of a running PostgreSQL: another minor release may be installed by now. Also shows that it answers. */
export async function runningVersion(adminUrl: string, layout: Layout): Promise<string> {
  return asAdmin(adminUrl, layout, async (client) => {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return rows[0]?.server_version.split(' ')[0] ?? 'unknown';
  });
}

async function asAdmin<T>(adminUrl: string, layout: Layout, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: adminUrl, connectionTimeoutMillis: 30_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    const known = explained(error, layout.dataDir);
    throw known === error ? new PostgresStartError(layout.log, (error as Error).message) : known;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Text is compared by code points everywhere: the order of a list must not depend on the machine. */
function initdbOptions(major: number): readonly string[] {
  const locale = major >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'] : ['--locale=C'];
  return [...locale, '--encoding=UTF8', '--auth=scram-sha-256', '--data-checksums', '--no-instructions'];
}

async function run(
  [file = '', ...args]: readonly string[],
  ids: { uid?: number; gid?: number },
): Promise<{ code: number | null; errors: string }> {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], env, cwd: '/', ...ids });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, errors };
  } catch (error) {
    // Not started at all: missing, not executable, or made for another C library.
    return { code: 127, errors: (error as Error).message };
  }
}

/** The sentence in the output of PostgreSQL's programs that tells the cause. */
export function reasonOf(output: string): string | undefined {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const told = lines.find((line) => /\b(error|FATAL|PANIC):/.test(line)) ?? lines.at(-1);
  return told?.replace(/^.*?\b(error|FATAL|PANIC):\s*/, '').trim();
}
