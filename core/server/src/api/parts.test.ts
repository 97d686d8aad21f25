import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { afterNumber, afterText, encodeCursor, page } from './cursor.ts';
import { CursorInvalidError, PreconditionFailedError, PreconditionRequiredError } from './errors.ts';
import { etagOf, requireMatch } from './etag.ts';
import { type IdempotencyStore, once, requestHash, type StoredAnswer } from './idempotency.ts';
import { unstorable } from './text.ts';

const hashOf = (method: string, url: string, body: unknown): string =>
  requestHash({ method, url, body }, (text) => `keyed ${text}`);

describe('cursors', () => {
  test('walking pages gives every row once, whatever the size of a page', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.string({ unit: 'binary' }).filter((text) => !unstorable(text) && text !== ''),
          { maxLength: 40 },
        ),
        fc.integer({ min: 1, max: 10 }),
        (names, limit) => {
          const rows = names.toSorted((a, b) => (a < b ? -1 : 1));
          const seen: string[] = [];
          for (let cursor: string | undefined = encodeCursor({ after: '' }); cursor !== undefined;) {
            const after: string = afterText(cursor) ?? '';
            const { items, nextCursor } = page(
              rows.filter((row) => row > after).slice(0, limit + 1),
              limit,
              (row) => row,
              (row) => row,
            );
            seen.push(...items);
            cursor = nextCursor ?? undefined;
          }
          expect(seen).toEqual(rows);
        },
      ),
    );
  });

  test('whatever text comes instead of a cursor is refused, never believed', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => Buffer.from(text).toString('base64url')),
          fc.json().map((text) => Buffer.from(text).toString('base64url')),
        ),
        (text) => {
          for (const read of [afterText, afterNumber]) expect(() => read(text)).toThrow(CursorInvalidError);
        },
      ),
    );
  });
});

describe('If-Match', () => {
  const current = etagOf('config', 3);

  test.each(['"config-3"', '"config-1", "config-3"'])('%s is the newest', (header) => {
    expect(() => requireMatch(header, 'config', current)).not.toThrow();
  });
  test.each(['"config-2"', '*', 'config-3', 'W/"config-3"', '', '"cluster-3"'])('%s is not', (header) => {
    expect(() => requireMatch(header, 'config of zookeeper', current)).toThrow(PreconditionFailedError);
  });
  test('without it nothing is changed', () => {
    expect(() => requireMatch(undefined, 'config', current)).toThrow(PreconditionRequiredError);
  });
});

describe('Idempotency-Key', () => {
  const rows = () => {
    const map = new Map<string, { requestHash: string; answer?: StoredAnswer }>();
    const store: IdempotencyStore = {
      claim: async (_principal, key, hash) => {
        const row = map.get(key);
        if (!row) map.set(key, { requestHash: hash });
        return row;
      },
      complete: async (_principal, key, answer) =>
        void map.set(key, { requestHash: map.get(key)?.requestHash ?? '', answer }),
      abandon: async (_principal, key) => void map.delete(key),
    };
    return store;
  };
  const request = { principal: 'p', key: 'k', hash: hashOf('POST', '/x', { a: 1 }) };
  const answer = { status: 201, headers: { location: '/x/1' }, body: { id: 1 } };

  test('a repetition gets the answer of the first, and nothing runs', async () => {
    const store = rows();
    expect(await once(store, request, async () => answer)).toEqual(answer);
    expect(await once(store, request, () => Promise.reject(new Error('ran twice')))).toEqual({
      ...answer,
      replayed: true,
    });
  });

  test('while the first runs, a second one is told to wait; another request never shares its key', async () => {
    const store = rows();
    const first = Promise.withResolvers<StoredAnswer>();
    const running = once(store, request, () => first.promise);
    await expect(once(store, request, async () => answer)).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_PROGRESS' });
    await expect(
      once(store, { ...request, hash: hashOf('POST', '/x', { a: 2 }) }, async () => answer),
    ).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' });
    first.resolve(answer);
    expect(await running).toEqual(answer);
  });

  test.each([() => Promise.reject(new Error('refused')), async () => ({ ...answer, status: 503 })])(
    'what failed can be repeated',
    async (fail) => {
      const store = rows();
      await once(store, request, fail as () => Promise<StoredAnswer>).catch(() => undefined);
      expect(await once(store, request, async () => answer)).toEqual(answer);
    },
  );

  test('an answer that was stored with what the request did is not stored again', async () => {
    const store = { ...rows(), complete: () => Promise.reject(new Error('stored twice')) };
    expect(await once(store, request, async () => ({ ...answer, kept: true }))).toEqual(answer);
  });

  test('method, path and body are one request', () => {
    const hashes = [
      hashOf('POST', '/x', {}),
      hashOf('PUT', '/x', {}),
      hashOf('POST', '/y', {}),
      hashOf('POST', '/x', { a: 1 }),
      hashOf('POST', '/x', undefined),
    ];
    expect(new Set(hashes).size).toBe(5);
  });
});

describe('texts', () => {
  const deep = (levels: number): unknown => Array.from({ length: levels }).reduce((inner) => [inner], 'x');

  test.each<[unknown, string | undefined]>([
    ['plain ü 🙂', undefined],
    [{ a: ['x', 1, null, true] }, undefined],
    ['a\0b', ''],
    [{ a: { 'b/c': ['x', '\0'] } }, '/a/b~1c/1'],
    [{ a: '\ud800' }, '/a'],
    [{ a: { 'k\0': 1 } }, '/a'],
    [deep(32), undefined],
  ])('%j has a fault at %j', (value, pointer) => {
    expect(unstorable(value)?.pointer).toBe(pointer);
  });

  test('a body nested half a million levels deep costs no stack', () => {
    expect(unstorable(JSON.parse(`${'['.repeat(500_000)}${']'.repeat(500_000)}`))?.message).toMatch(
      /nest at most 32 levels/,
    );
  });
});
