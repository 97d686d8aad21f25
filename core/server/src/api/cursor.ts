import { z } from 'zod';
import { CursorInvalidError } from './errors.ts';
import { unstorable } from './text.ts';

/** What an integer column takes. */
const MOST = 2_147_483_647;

/** Where a page ends: what its last item is sorted by, which no other item has. Opaque to clients. */
const Cursor = z.strictObject({ after: z.union([z.string(), z.number()]) });
type Cursor = z.infer<typeof Cursor>;

export function encodeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** @throws CursorInvalidError for anything that encodeCursor did not make. */
function decodeCursor(text: string): Cursor {
  try {
    return Cursor.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    throw new CursorInvalidError({});
  }
}

/** Where a list by name goes on. @throws CursorInvalidError also for a cursor of a list by number. */
export function afterText(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const { after } = decodeCursor(cursor);
  if (typeof after !== 'string' || unstorable(after)) throw new CursorInvalidError({});
  return after;
}

/** Where a list by number goes on. @throws CursorInvalidError also for a cursor of a list by name. */
export function afterNumber(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const { after } = decodeCursor(cursor);
  if (typeof after !== 'number' || !Number.isInteger(after) || Math.abs(after) > MOST) throw new CursorInvalidError({});
  return after;
}

const limit = z
  .string()
  .regex(/^[0-9]{1,3}$/, 'use a number from 1 to 500')
  .transform(Number)
  .pipe(z.int().min(1).max(500))
  .optional()
  .describe('How many items, 1 to 500; 50 when absent');

/** The query parameters of every list. Texts are parsed here because a URL has nothing else; bodies are never coerced. */
export const listQuery = { limit, cursor: z.string().max(500).optional().describe('nextCursor of the page before') };

export function pageOf<T extends z.ZodType>(item: T, id: string) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() }).meta({ id });
}

/** A page from `limit + 1` rows: one more than asked for says that there is another page. */
export function page<Row, Item>(
  rows: readonly Row[],
  limit: number,
  sortedBy: (row: Row) => string | number,
  view: (row: Row) => Item,
) {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const nextCursor = rows.length > limit && last !== undefined ? encodeCursor({ after: sortedBy(last) }) : null;
  return { items: shown.map(view), nextCursor };
}
