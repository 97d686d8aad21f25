import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { Pool, types, type CustomTypesConfig } from 'pg';
import { DatabaseUnreachableError, describeUrl, NewerDataError } from './errors.ts';
import { migrations } from './migrations/index.ts';
import { ormOptions } from './options.ts';

/** An open database whose schema is that of this version. */
export interface Database {
  readonly orm: MikroORM;
  /** A fresh unit of work. */
  em(): EntityManager;
  /** Raw access for what must be fast; bigint comes as number, times as Date. */
  readonly sql: Pool;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** `postgresql://user@host/database`, or with `?host=/directory` for a Unix socket. */
  readonly url: string;
  /** Connections of the ORM; the raw pool has as many again. */
  readonly poolSize?: number;
  /** Told of connections that broke while idle. The pools replace them by themselves. */
  readonly onConnectionLost?: (error: Error) => void;
}

const INT8 = 20;
const parsers: CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : types.getTypeParser(oid, format === 'binary' ? 'binary' : 'text'),
};

/**
 * Opens the database and brings its schema to this version.
 *
 * @throws DatabaseUnreachableError when nobody answers there or the user may not enter.
 * @throws NewerDataError when a newer version has written it.
 */
export async function openDatabase({ url, poolSize = 10, onConnectionLost }: OpenOptions): Promise<Database> {
  const sql = new Pool({ connectionString: url, max: poolSize, types: parsers, connectionTimeoutMillis: 10_000 });
  sql.on('error', (error) => onConnectionLost?.(error));
  sql.on('connect', (client) => client.on('error', (error: Error) => onConnectionLost?.(error)));
  const database = describeUrl(url);
  try {
    await sql.query('select 1');
  } catch (error) {
    await sql.end();
    throw new DatabaseUnreachableError({ database, reason: error }, { cause: error });
  }
  const orm = await MikroORM.init(ormOptions(url, { poolSize }));
  const close = async (): Promise<void> => {
    await Promise.all([orm.close(true), sql.end()]);
  };
  try {
    await migrate(orm, database);
  } catch (error) {
    await close();
    throw error;
  }
  return { orm, em: () => orm.em.fork(), sql, close };
}

async function migrate(orm: MikroORM, database: string): Promise<void> {
  const known = new Set<string>(migrations.map(({ name }) => name));
  const executed = await orm.migrator.getExecuted();
  const unknown = executed.map(({ name }) => name).filter((name) => !known.has(name));
  if (unknown.length > 0) throw new NewerDataError({ database, migrations: unknown });
  if (executed.length < known.size) await orm.migrator.up();
}
