const ownDatabase = 'or set DATABASE_URL to a PostgreSQL 15 or newer of your own';

/** What went wrong with the database itself. Every situation that a caller can tell apart is a class with a stable code. */
export abstract class PostgresError extends Error {
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/** No PostgreSQL programs are installed for this platform. */
export class PlatformNotSupportedError extends PostgresError {
  readonly code = 'POSTGRES_PLATFORM';
  constructor(platform: string, packageName: string) {
    super(
      `There is no PostgreSQL for ${platform}: the package ${packageName} is not installed. ` +
        `Install again with optional dependencies, ${ownDatabase}.`,
    );
  }
}

/** The package's library links are missing and its folder can't be written. */
export class LibraryLinksError extends PostgresError {
  readonly code = 'POSTGRES_LINKS';
  constructor(folder: string, missing: number, cause: unknown) {
    super(
      `PostgreSQL in ${folder} lacks ${missing} links between its libraries and this user may not make them there. ` +
        `Start the server once as the owner of that folder, ${ownDatabase}.`,
      { cause },
    );
  }
}

/** Root, and no way found to run PostgreSQL as somebody else. */
export class RootRefusedError extends PostgresError {
  readonly code = 'POSTGRES_ROOT';
  constructor() {
    super(
      'PostgreSQL refuses to run as root, and this machine allows no user namespace (unshare -U). ' +
        `Run the server as another user, make a system user for it (useradd --system stackyard), ${ownDatabase}.`,
    );
  }
}

/** Neither flock nor perl is there, so two servers could not be kept apart. */
export class LockToolMissingError extends PostgresError {
  readonly code = 'POSTGRES_LOCK_TOOL';
  constructor() {
    super(`Neither the program flock (util-linux) nor perl was found. Install one of them, ${ownDatabase}.`);
  }
}

/** The data directory can't be made, read or written. */
export class DataDirAccessError extends PostgresError {
  readonly code = 'POSTGRES_DATA_DIR_ACCESS';
  constructor(dataDir: string, cause: unknown) {
    super(`The database's data directory ${dataDir} can't be used: ${messageOf(cause)}. Check its path and owner.`, {
      cause,
    });
  }
}

/** Another server has this data directory. */
export class DataDirBusyError extends PostgresError {
  readonly code = 'POSTGRES_DATA_DIR_BUSY';
  readonly dataDir: string;
  readonly holderPid: number | undefined;
  constructor(dataDir: string, holder: { pid: number; since: string } | undefined) {
    const who = holder ? `process ${holder.pid}, since ${holder.since}` : 'an unknown process';
    super(
      `The data directory ${dataDir} is in use by another server (${who}). ` +
        'Stop that server first, or start this one with another data directory.',
    );
    this.dataDir = dataDir;
    this.holderPid = holder?.pid;
  }
}

/** The data directory was made by another major version of PostgreSQL. */
export class DataDirVersionError extends PostgresError {
  readonly code = 'POSTGRES_DATA_DIR_VERSION';
  readonly found: string;
  readonly needed: string;
  constructor(pgdata: string, found: string, needed: string) {
    super(
      `The database in ${pgdata} was made by PostgreSQL ${found}; this server brings PostgreSQL ${needed}, which can't read it. ` +
        `Nothing was changed: start the release that made it, or run PostgreSQL ${found} on that folder and set DATABASE_URL to it.`,
    );
    this.found = found;
    this.needed = needed;
  }
}

/** A database without the file that holds its passwords. */
export class CredentialsMissingError extends PostgresError {
  readonly code = 'POSTGRES_CREDENTIALS';
  constructor(file: string) {
    super(`The database's passwords are gone: ${file} is missing or damaged. Put the file back from a backup.`);
  }
}

/** No space left for the database. */
export class DiskFullError extends PostgresError {
  readonly code = 'POSTGRES_DISK_FULL';
  constructor(dataDir: string, cause?: unknown) {
    super(
      `The disk of ${dataDir} is full, so the database could not be started. ` +
        'Free some space there (a new database needs about 60 MB) and start again; nothing was lost.',
      { cause },
    );
  }
}

/** `initdb` failed for a reason of its own. */
export class DatabaseCreationError extends PostgresError {
  readonly code = 'POSTGRES_CREATION';
  constructor(dataDir: string, reason: string) {
    super(`PostgreSQL could not make a new database in ${dataDir}: ${reason}. Mend that and start again.`);
  }
}

/** PostgreSQL ended, or did not get ready. */
export class PostgresStartError extends PostgresError {
  readonly code = 'POSTGRES_START';
  constructor(logFile: string, reason: string) {
    super(`PostgreSQL did not start: ${reason}. Read ${logFile}, mend the cause and start again.`);
  }
}

/** PostgreSQL was told to stop and did not. */
export class PostgresStopError extends PostgresError {
  readonly code = 'POSTGRES_STOP';
  constructor(pid: number, seconds: number) {
    super(`PostgreSQL (process ${pid}) did not stop within ${seconds} s. It was left running; look at its log.`);
  }
}

/** The database can't be reached, or refuses the login. The address holds no password. */
export class DatabaseUnreachableError extends PostgresError {
  readonly code = 'DATABASE_UNREACHABLE';
  constructor(address: string, cause: unknown) {
    super(
      `The database at ${address} can't be used: ${messageOf(cause)}. Check DATABASE_URL and that PostgreSQL runs.`,
      { cause },
    );
  }
}

/** Another server works on this database. */
export class ServerLockHeldError extends PostgresError {
  readonly code = 'SERVER_LOCK_HELD';
  readonly holder: string | undefined;
  constructor(address: string, holder: string | undefined, since: Date | undefined) {
    const who = holder ? `${holder}${since ? `, since ${since.toISOString()}` : ''}` : 'it does not tell its name';
    super(
      `Another server works on the database at ${address} (${who}). ` +
        'Only one may: stop that one first, or give this one a database of its own.',
    );
    this.holder = holder;
  }
}

const accessCodes = ['EACCES', 'EPERM', 'EROFS', 'EISDIR', 'ENOTDIR', 'EEXIST'];

/** The sentence for a failed work on the data directory; errors with a sentence of their own stay as they are. */
export function explained(error: unknown, dataDir: string): unknown {
  if (error instanceof PostgresError) return error;
  if (isDiskFull(error)) return new DiskFullError(dataDir, error);
  const code = (error as { code?: string } | undefined)?.code ?? '';
  return accessCodes.includes(code) ? new DataDirAccessError(dataDir, error) : error;
}

/** Errors of the system and of `pg` that mean: no space. */
export function isDiskFull(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === '53100';
}

function messageOf(cause: unknown): string {
  // Node answers a failed connection to several addresses with an AggregateError that has no message.
  if (cause instanceof AggregateError && cause.message === '') return messageOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : String(cause);
}
