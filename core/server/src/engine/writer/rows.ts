import { numberArray, textArray } from './arrays.ts';
import { toJson } from './json.ts';

/** How rows of one kind reach the statement. */
export interface Rows {
  /** Parameters that they take. */
  readonly width: number;
  /** Something to select from, `r`, whose columns are named as in the row objects; its parameters begin with this one. */
  from(first: number): string;
  values(rows: readonly object[]): readonly Value[];
}

export type Value = string | Buffer;

/** [name in the row object, column, type] */
export type Column = readonly [name: string, column: string, type: Carried];
type Carried = keyof typeof carriers;

/** How values of a type travel, and what makes them that type again. */
const carriers = {
  text: { as: 'text', read: (value: string) => value },
  uuid: { as: 'text', read: (value: string) => `${value}::uuid` },
  json: { as: 'json', read: (value: string) => `${value}::json` },
  jsonb: { as: 'json', read: (value: string) => `${value}::jsonb` },
  int: { as: 'number', read: (value: string) => `${value}::int` },
  bigint: { as: 'number', read: (value: string) => `${value}::bigint` },
  boolean: { as: 'truth', read: (value: string) => `${value}::boolean` },
  timestamptz: { as: 'time', read: (value: string) => `to_timestamp(${value} / 1000)` },
} as const;

/**
 * Rows that are many and have their columns filled: an array for each column. The database reads those at a third of what
 * records cost, and for a column without values nothing is sent.
 */
export function inColumns(columns: readonly Column[]): Rows {
  const from = (first: number): string => {
    const arrays = columns.map(([, , type], index) => `$${first + index}::${isText(type) ? 'text' : 'float8'}[]`);
    const named = columns.map(([name]) => `"${name}"`).join(', ');
    const read = columns.map(([name, , type]) => `${carriers[type].read(`"${name}"`)} as "${name}"`).join(', ');
    return `(select ${read} from unnest(${arrays.join(', ')}) as sent(${named})) as r`;
  };
  return { width: columns.length, from, values: (rows) => columns.map((column) => arrayOf(rows, column)) };
}

/** Rows that are few, or name few of their columns: one parameter, an array of JSON objects. */
export function inRecords(types: string): Rows {
  return {
    width: 1,
    from: (first) => `json_to_recordset($${first}::json) as r(${types})`,
    values: (rows) => [toJson(rows)],
  };
}

function isText(type: Carried): boolean {
  const { as } = carriers[type];
  return as === 'text' || as === 'json' || as === 'truth';
}

function arrayOf(rows: readonly object[], [name, , type]: Column): Buffer {
  const values = rows.map((row) => row[name as keyof typeof row] as unknown);
  switch (carriers[type].as) {
    case 'text':
      return textArray(values as string[]);
    case 'json':
      return textArray(values.map((value) => (value === null || value === undefined ? null : toJson(value))));
    case 'truth':
      return textArray((values as (boolean | null | undefined)[]).map((value) => value?.toString()));
    case 'number':
      return numberArray(values as number[]);
    case 'time':
      return numberArray((values as (Date | null | undefined)[]).map((time) => time?.getTime()));
  }
}
