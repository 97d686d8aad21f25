import * as fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, type TestPostgres, testPostgresKinds } from '../../postgres/testing.ts';
import { numberArray, textArray } from './arrays.ts';

const NUL = String.fromCharCode(0);
const [high, low] = ['\ud83d', '\ude00'];

const piece = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    'NULL',
    '"',
    "'",
    '\\',
    '\n',
    '{}',
    ',',
    '{"a":"\\u0000"}',
    NUL,
    high,
    low,
    `${high}${low}`,
    'é',
    '€',
  ),
);
const text = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
const nothing = fc.constantFrom(null, undefined);
const number = fc.oneof(fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }));

describe.each(testPostgresKinds())('arrays for %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let client: Client;
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
    client = new Client({ connectionString: postgres.url });
    await client.connect();
  });
  afterAll(async () => {
    await client?.end();
    await postgres?.stop();
  });
  /** In the order of the arrays, the shorter one filled up. */
  const read = async (texts: Buffer, numbers: Buffer): Promise<{ texts: unknown[]; numbers: unknown[] }> => {
    const { rows } = await client.query<{ text: string | null; number: number | null }>({
      name: 'read',
      text: 'select text, number from unnest($1::text[], $2::float8[]) with ordinality as r(text, number, place) order by place',
      values: [texts, numbers],
    });
    return { texts: rows.map((row) => row.text), numbers: rows.map((row) => row.number) };
  };

  test('whatever a text has in it comes out again, but for NUL and halves of surrogate pairs', async () => {
    const given = fc.array(fc.oneof({ weight: 4, arbitrary: text }, nothing), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(given, async (texts) => {
        const places = numberArray(texts.map((_, index) => index));
        const stored = texts.map((value) => value?.replaceAll(NUL, '').toWellFormed() ?? null);
        expect((await read(textArray(texts), places)).texts).toEqual(stored);
      }),
    );
  });

  test('numbers come out again, and nulls where they were', async () => {
    const given = fc.array(fc.oneof({ weight: 4, arbitrary: number }, nothing), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(given, async (numbers) => {
        const { numbers: stored } = await read(textArray(numbers.map(String)), numberArray(numbers));
        expect(stored).toEqual(numbers.map((value) => value ?? null));
      }),
    );
  });
});
