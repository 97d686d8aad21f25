import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { describedApi, schemaFile, snapshotFile, typesOf } from './generate.ts';

test('the committed description is the one that the server gives, and the client is made from it', async () => {
  const committed = await readFile(snapshotFile, 'utf8');
  // When this fails: node --conditions=@stackyard/source core/cli/src/api/generate.ts
  expect(JSON.parse(committed)).toEqual(JSON.parse(await describedApi()));
  expect(await readFile(schemaFile, 'utf8')).toBe(await typesOf(committed));
});

test('every operation has a name of its own, a summary, and says who may', async () => {
  const { paths } = JSON.parse(await readFile(snapshotFile, 'utf8')) as {
    paths: Record<string, Record<string, { operationId: string; summary: string; description: string }>>;
  };
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  expect(
    operations.filter(
      ({ summary, description }) => !summary || !/Permission: \w+ \w+\.|Needs no token\./.test(description),
    ),
  ).toEqual([]);
});
