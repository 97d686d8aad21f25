import { MikroORM } from '@mikro-orm/postgresql';
import { ormOptions } from './options.ts';

/**
 * Writes the migration from the last snapshot to the entities as they are now; add it to migrations/index.ts by hand.
 * Needs any empty PostgreSQL: `DATABASE_URL=… node --conditions=@stackyard/source newMigration.ts <name>`.
 */
const orm = await MikroORM.init(ormOptions(process.env['DATABASE_URL'] ?? '', { poolSize: 2 }));
const { fileName } = await orm.migrator.create(undefined, false, false, process.argv[2]);
process.stdout.write(`${fileName || 'Nothing changed'}\n`);
await orm.close();
