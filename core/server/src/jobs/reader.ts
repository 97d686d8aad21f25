import type { Pool } from 'pg';
import { jobColumns, type JobFields } from './rows.ts';

/**
 * Reads jobs by their ids; who asks in the same turn of the event loop shares one statement. After every commit all who
 * wait for a job look at theirs.
 */
export class JobReader {
  readonly #sql: Pool;
  #next: { readonly ids: Set<string>; readonly rows: Promise<ReadonlyMap<string, JobFields>> } | undefined;

  constructor(sql: Pool) {
    this.#sql = sql;
  }

  /** @param id a UUID */
  async read(id: string): Promise<JobFields | undefined> {
    if (!this.#next) {
      const ids = new Set<string>();
      this.#next = { ids, rows: Promise.resolve().then(() => this.#read(ids)) };
    }
    const { ids, rows } = this.#next;
    ids.add(id);
    return (await rows).get(id);
  }

  async #read(ids: ReadonlySet<string>): Promise<ReadonlyMap<string, JobFields>> {
    this.#next = undefined;
    const { rows } = await this.#sql.query<JobFields>({
      name: 'jobs-by-id',
      text: `select ${jobColumns} from job where id = any($1::uuid[])`,
      values: [[...ids]],
    });
    return new Map(rows.map((row) => [row.id, row]));
  }
}
