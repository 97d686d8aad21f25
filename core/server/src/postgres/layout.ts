import { chmod, chown, lstat, mkdir, mkdtemp, open, readFile, realpath, rename, stat } from 'node:fs/promises';
import { createHash, randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Account, spawnIds } from './account.ts';
import { CredentialsMissingError, explained } from './errors.ts';

/** Where things are in a data directory. */
export interface Layout {
  readonly dataDir: string;
  /** PostgreSQL's own folder. */
  readonly pgdata: string;
  readonly credentials: string;
  readonly state: string;
  readonly log: string;
  /** Locked by the one server, for as long as it lives. */
  readonly serverLock: string;
  readonly guardianLock: string;
  readonly socket: string;
}

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** The passwords, written once, before the database that they belong to. */
export interface Credentials {
  /** PostgreSQL's superuser: used to create the other one only. */
  readonly admin: Login;
  /** What the server works with. */
  readonly application: Login;
  readonly database: string;
}

/** What later starts need to know. */
export interface State {
  /** Role and database exist. */
  readonly provisioned?: boolean;
  /** The socket's folder outside the data directory, for a path that is too deep. */
  readonly socketDir?: string;
}

/** The system's limit for a socket's path is 108 bytes, 104 on macOS, and `/.s.PGSQL.65535` is part of it. */
const socketDirBytes = 104 - '/.s.PGSQL.65535.lock'.length;

/** Makes the data directory where it is missing, for this user only, and tells where things are in it. */
export async function openLayout(path: string): Promise<Layout> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const dataDir = await realpath(path);
    const at = (name: string) => join(dataDir, name);
    return {
      dataDir,
      pgdata: at('pgdata'),
      credentials: at('credentials.json'),
      state: at('state.json'),
      log: at('postgres.log'),
      serverLock: at('server.lock'),
      guardianLock: at('guardian.lock'),
      socket: at('socket'),
    };
  } catch (error) {
    throw explained(error, path);
  }
}

/** The stored passwords, or new ones for a database that is still to be made. */
export async function readCredentials(layout: Layout, databaseExists: boolean): Promise<Credentials> {
  const stored = await readJson<Credentials>(layout.credentials);
  if (stored?.admin && stored.application) return stored;
  if (databaseExists) throw new CredentialsMissingError(layout.credentials);
  const credentials: Credentials = {
    admin: { user: 'stackyard_admin', password: randomBytes(24).toString('hex') },
    application: { user: 'stackyard', password: randomBytes(24).toString('hex') },
    database: 'stackyard',
  };
  await writeJson(layout.credentials, credentials);
  return credentials;
}

export async function readState(layout: Layout): Promise<State> {
  return (await readJson<State>(layout.state)) ?? {};
}

export async function writeState(layout: Layout, state: State): Promise<void> {
  await writeJson(layout.state, state);
}

/** A folder for the socket that only the account can enter; in the temporary folder when the data directory is too deep. */
export async function prepareSocketDir(layout: Layout, account: Account): Promise<string> {
  const { uid = process.getuid?.() ?? -1, gid = process.getgid?.() ?? -1 } = spawnIds(account);
  const isPrivate = async (dir: string) => {
    await mkdir(dir, { mode: 0o700 }).then(
      () => chown(dir, uid, gid),
      () => undefined,
    );
    const found = await lstat(dir).catch(() => undefined);
    return found?.isDirectory() === true && found.uid === uid && (found.mode & 0o077) === 0;
  };
  if (Buffer.byteLength(layout.socket) <= socketDirBytes) {
    if (!(await isPrivate(layout.socket))) await chmod(layout.socket, 0o700);
    return layout.socket;
  }
  const state = await readState(layout);
  const temporary = Buffer.byteLength(tmpdir()) < 60 ? tmpdir() : '/tmp';
  const derived = join(
    temporary,
    `stackyard-${createHash('sha256').update(layout.dataDir).digest('hex').slice(0, 12)}`,
  );
  for (const dir of [state.socketDir ?? derived, derived]) {
    if (!(await isPrivate(dir))) continue;
    if (state.socketDir !== dir) await writeState(layout, { ...state, socketDir: dir });
    return dir;
  }
  // Somebody else took the name.
  const dir = await mkdtemp(`${derived}-`);
  await chown(dir, uid, gid);
  await writeState(layout, { ...state, socketDir: dir });
  return dir;
}

/** Keeps the log small: one older file. */
export async function rotateLog(layout: Layout, limitBytes = 8 * 1024 * 1024): Promise<void> {
  const found = await stat(layout.log).catch(() => undefined);
  if (found && found.size > limitBytes) await rename(layout.log, `${layout.log}.1`);
}

/** Writes a whole file or nothing, for this user only, and brings it to the disk. */
async function writeJson(file: string, value: unknown): Promise<void> {
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(value, undefined, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
  await syncDir(dirname(file));
}

/** Brings renames in a folder to the disk. */
export async function syncDir(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
