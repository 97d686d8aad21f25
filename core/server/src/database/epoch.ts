import { randomUUID } from 'node:crypto';
import type { Database } from './openDatabase.ts';

/** Who this installation is, and the fence of this run of the server. */
export interface Epoch {
  readonly installId: string;
  readonly epoch: number;
}

/**
 * Takes the database over: from its commit on, every write of an older server is refused. The wall clock is the lower
 * bound, so that a restored backup fences the server it was taken from without knowing its epoch.
 */
export async function beginEpoch({ sql }: Pick<Database, 'sql'>, now: Date = new Date()): Promise<Epoch> {
  const { rows } = await sql.query<Epoch>(
    `insert into installation as i (id, install_id, epoch, commit_no, created_at) values (1, $1, $2, 0, $3)
     on conflict (id) do update set epoch = greatest(i.epoch + 1, excluded.epoch), commit_no = 0
     returning install_id as "installId", epoch`,
    [randomUUID(), Math.floor(now.getTime() / 1000), now],
  );
  const [row] = rows;
  if (!row) throw new Error('PostgreSQL returned no row for an upsert.');
  return row;
}
