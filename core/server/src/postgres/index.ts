export { acquireServerLock, type ServerLock, type ServerLockOptions } from './advisory-lock.ts';
export {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  type PostgresLog,
  startEmbeddedPostgres,
} from './embedded.ts';
export * from './errors.ts';
