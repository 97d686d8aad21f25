/** Ids of types in every PostgreSQL. */
const TEXT = 25;
const FLOAT8 = 701;

/** Dimensions, whether there are nulls, type, length, and where it is counted from. */
const HEADER = 20;
const NULL = -1;

type Maybe<T> = T | null | undefined;

/**
 * A `text[]` as PostgreSQL reads it without parsing: nothing in it has to be escaped. Nulls at its end are left out, which
 * `unnest` beside longer arrays fills up. PostgreSQL takes neither NUL nor half a surrogate pair in text, and agents send
 * what their scripts print: the first are dropped, encoding replaces the others.
 */
export function textArray(values: readonly Maybe<string>[]): Buffer {
  const length = lengthOf(values);
  let size = HEADER + 4 * length;
  for (let index = 0; index < length; index++) size += 3 * (values[index]?.length ?? 0);
  const array = Buffer.allocUnsafe(size);
  let at = HEADER;
  let nulls = 0;
  for (let index = 0; index < length; index++) {
    const value = values[index];
    if (value === null || value === undefined) {
      nulls = 1;
      at = array.writeInt32BE(NULL, at);
      continue;
    }
    const written = array.write(value.includes('\0') ? value.replaceAll('\0', '') : value, at + 4);
    at = array.writeInt32BE(written, at) + written;
  }
  return withHeader(array, { type: TEXT, length, nulls }).subarray(0, at);
}

/** A `float8[]`, which is what a number of JavaScript is. */
export function numberArray(values: readonly Maybe<number>[]): Buffer {
  const length = lengthOf(values);
  const array = Buffer.allocUnsafe(HEADER + 12 * length);
  let at = HEADER;
  let nulls = 0;
  for (let index = 0; index < length; index++) {
    const value = values[index];
    if (value === null || value === undefined) {
      nulls = 1;
      at = array.writeInt32BE(NULL, at);
    } else at = array.writeDoubleBE(value, array.writeInt32BE(8, at));
  }
  return withHeader(array, { type: FLOAT8, length, nulls }).subarray(0, at);
}

/** Up to the last value. */
function lengthOf(values: readonly unknown[]): number {
  let length = values.length;
  while (length > 0 && (values[length - 1] === null || values[length - 1] === undefined)) length--;
  return length;
}

function withHeader(
  array: Buffer,
  { type, length, nulls }: { readonly type: number; readonly length: number; readonly nulls: number },
): Buffer {
  array.writeInt32BE(length === 0 ? 0 : 1, 0);
  array.writeInt32BE(nulls, 4);
  array.writeInt32BE(type, 8);
  if (length === 0) return array.subarray(0, 12);
  array.writeInt32BE(length, 12);
  array.writeInt32BE(1, 16);
  return array;
}
