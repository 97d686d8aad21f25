import { hostname } from 'node:os';
import { Client } from 'pg';
import { DatabaseUnreachableError, ServerLockHeldError } from './errors.ts';

/** Two numbers of ours ("STKY", the server), the same in every database. */
const lockKey = [0x53544b59, 1] as const;
/** A killed server's session may live on for a moment. */
const waitMs = 2000;
const checkMs = 10_000;

export interface ServerLock {
  release(): Promise<void>;
}

export interface ServerLockOptions {
  readonly url: string;
  /** Called once when the lock is lost: another server may start from now on, so this one must end. */
  readonly onLost: (reason: string) => void;
}

/**
 * Makes this process the one server of a database: an advisory lock on a connection of its own, which must go to
 * PostgreSQL itself, not through a transaction pool. Throws `ServerLockHeldError` or `DatabaseUnreachableError`.
 */
export async function acquireServerLock({ url, onLost }: ServerLockOptions): Promise<ServerLock> {
  const client = new Client({
    connectionString: url,
    // PostgreSQL cuts this at 63 bytes; the number must survive.
    application_name: `stackyard-server ${process.pid} on ${hostname().slice(0, 36)}`,
    connectionTimeoutMillis: 10_000,
    query_timeout: checkMs,
    keepAlive: true,
  });
  let over = false;
  const lose = (reason: string) => {
    if (over) return;
    over = true;
    clearInterval(check);
    client.end().catch(() => undefined);
    onLost(reason);
  };
  let lastError: Error | undefined;
  let check: NodeJS.Timeout | undefined;
  let held = false;
  client.on('error', (error) => {
    lastError = error;
    if (held) lose(error.message);
  });
  client.on('end', () => {
    if (held) lose(lastError?.message ?? 'the connection was closed');
  });
  try {
    await client.connect();
    // A network that swallows packets: the database notices within half a minute and frees the lock.
    await client.query(
      `SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
       SET statement_timeout = 0; SET idle_session_timeout = 0; SET lock_timeout = ${waitMs}`,
    );
    await client.query('SELECT pg_advisory_lock($1, $2)', [...lockKey]);
  } catch (error) {
    const refusal = await refusalOf(client, url, error);
    await client.end().catch(() => undefined);
    throw refusal;
  }
  held = true;
  // A connection that died without a word is found by asking.
  check = setInterval(() => {
    client.query('SELECT 1').catch((error: Error) => lose(error.message));
  }, checkMs);
  check.unref();
  return {
    async release() {
      over = true;
      clearInterval(check);
      await client.end().catch(() => undefined);
    },
  };
}

async function refusalOf(client: Client, url: string, cause: unknown): Promise<Error> {
  const address = addressOf(url);
  const lockNotAvailable = '55P03';
  if ((cause as { code?: string }).code !== lockNotAvailable) return new DatabaseUnreachableError(address, cause);
  const { rows } = await client
    .query<{ pid: number; name: string; address: string | null; since: Date }>(
      `SELECT a.pid, a.application_name AS name, host(a.client_addr) AS address, a.backend_start AS since
         FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = $1 AND l.objid::bigint = $2 AND l.objsubid = 2
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [...lockKey],
    )
    .catch(() => ({ rows: [] }));
  const holder = rows[0];
  if (!holder) return new ServerLockHeldError(address, undefined, undefined);
  const name = /^stackyard-server (\d+) on (.*)$/.exec(holder.name);
  const who = name ? `process ${name[1]} on ${name[2]}` : holder.name || `session ${holder.pid}`;
  return new ServerLockHeldError(address, holder.address ? `${who}, from ${holder.address}` : who, holder.since);
}

/** A URL for people: without user and password. */
export function addressOf(url: string): string {
  try {
    const { hostname: host, port, pathname } = new URL(url);
    const where = decodeURIComponent(host);
    return where.startsWith('/') ? `${where}${pathname}` : `${where}${port ? `:${port}` : ''}${pathname}`;
  } catch {
    return 'the given address';
  }
}
