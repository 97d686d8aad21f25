import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Clock, definePlugin, Logger, provide, token } from '@stackyard/kernel';
import { beginEpoch, type Database, openDatabase } from '../database/index.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Writer } from '../engine/writer/writer.ts';
import { acquireServerLock, type EmbeddedPostgres, type ServerLock, startEmbeddedPostgres } from '../postgres/index.ts';
import { Fatal, ServerOptions } from './options.ts';

/** The server's database: ours alone, at this version, with the epoch of this run. Open from its plugin's start on. */
export interface Storage {
  readonly db: Database;
  readonly installId: string;
  readonly epoch: number;
  readonly writer: Writer;
  readonly em: () => EntityManager;
}
export const Storage = token<Storage>('server.Storage');

class PostgresStorage implements Storage {
  readonly #options: ServerOptions;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #fatal: Fatal;
  #embedded: EmbeddedPostgres | undefined;
  #lock: ServerLock | undefined;
  #open:
    | { readonly db: Database; readonly writer: Writer; readonly installId: string; readonly epoch: number }
    | undefined;
  #closing = false;

  constructor(options: ServerOptions, log: Logger, clock: Clock, fatal: Fatal) {
    this.#options = options;
    this.#log = log;
    this.#clock = clock;
    this.#fatal = fatal;
  }

  get db(): Database {
    return this.#opened.db;
  }

  get writer(): Writer {
    return this.#opened.writer;
  }

  get installId(): string {
    return this.#opened.installId;
  }

  get epoch(): number {
    return this.#opened.epoch;
  }

  readonly em = (): EntityManager => this.#opened.db.em();

  async open(): Promise<void> {
    const { dataDir, databaseUrl } = this.#options;
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await chmod(dataDir, 0o700);
    if (databaseUrl === undefined)
      this.#embedded = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres'), log: this.#log });
    const url = databaseUrl ?? this.#embedded?.url ?? '';
    this.#lock = await acquireServerLock({ url, onLost: (reason) => this.#lost(new Error(reason)) });
    const db = await openDatabase({
      url,
      onConnectionLost: (error) => !this.#closing && this.#log.warn({ err: error }, 'A database connection broke'),
    });
    const { installId, epoch } = await beginEpoch(db, this.#clock.now());
    const writer = new Writer({
      db,
      epoch,
      log: this.#log,
      clock: this.#clock,
      onFenced: (error) => this.#lost(error),
    });
    this.#open = { db, writer, installId, epoch };
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#open?.writer.stop();
    await this.#open?.db.close();
    await this.#lock?.release();
    await this.#embedded?.stop();
  }

  get #opened() {
    if (!this.#open)
      throw new Error(
        'The database is used before its plugin has started. Add Storage to the "needs" of the plugin that uses it.',
      );
    return this.#open;
  }

  #lost(error: Error): void {
    if (!this.#closing) this.#fatal.report(error);
  }
}
provide(PostgresStorage, ServerOptions, Logger, Clock, Fatal);

export const storagePlugin = definePlugin({
  id: 'server.storage',
  needs: [ServerOptions, Logger, Clock, Fatal],
  register: (plugin) => plugin.provide(Storage, PostgresStorage),
  async start(plugin) {
    const storage = plugin.resolve(Storage) as PostgresStorage;
    try {
      await storage.open();
    } catch (error) {
      await storage.close();
      throw error;
    }
    return () => storage.close();
  },
});
