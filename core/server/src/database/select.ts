import type { Pool } from 'pg';

/** A condition on a column and the value it is compared with; it does not count when the value is undefined. */
export type Condition = readonly [text: `${string}$N${string}`, value: unknown];

export interface Select {
  /** Of the statement; each set of conditions is prepared under a name of its own. */
  readonly name: string;
  /** From `select` to the tables. */
  readonly text: string;
  readonly where: readonly Condition[];
  /** What comes after the conditions, such as the order. */
  readonly rest?: string;
  readonly limit: number;
}

/**
 * Plain rows by a prepared statement. A row that is managed by the ORM costs ten to fifty times as much as reading it, and
 * whoever only shows it has no use for that.
 */
export async function select<Row extends object>(
  sql: Pool,
  { name, text, where, rest = '', limit }: Select,
): Promise<Row[]> {
  const present = where.filter(([, value]) => value !== undefined);
  const form = where.map(([, value]) => (value === undefined ? '0' : '1')).join('');
  const conditions = present.map(([condition], index) => condition.replaceAll('$N', `$${index + 1}`));
  const filter = conditions.length > 0 ? `where ${conditions.join(' and ')}` : '';
  const { rows } = await sql.query<Row>({
    name: `${name}-${form}`,
    text: `${text} ${filter} ${rest} limit $${present.length + 1}`,
    values: [...present.map(([, value]) => value), limit],
  });
  return rows;
}
