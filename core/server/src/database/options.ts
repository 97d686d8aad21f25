import { Migrator } from '@mikro-orm/migrations';
import { defineConfig, type Options } from '@mikro-orm/postgresql';
import { entities } from './entities.ts';
import { migrations } from './migrations/index.ts';

/** How MikroORM is set up, the same for the server, its tests and the generator of migrations. */
export function ormOptions(url: string, options: { readonly poolSize: number }): Options {
  return defineConfig({
    clientUrl: url,
    entities: [...entities],
    extensions: [Migrator],
    forceUtcTimezone: true,
    pool: { min: 0, max: options.poolSize },
    // Other parts of the process own logging; a failed query rejects anyway.
    logger: () => undefined,
    // Definitions are plain values: no cache of them is kept on disk.
    metadataCache: { enabled: false },
    migrations: {
      migrationsList: [...migrations],
      snapshot: true,
      snapshotName: 'snapshot',
      snapshotOnMigrate: false,
      path: new URL('./migrations', import.meta.url).pathname,
      emit: 'ts',
      silent: true,
    },
  });
}
