import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseSpec } from './spec.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-spec-'));
  await writeFile(join(dir, 'x.tgz'), '');
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test.each([
  ['db', { stack: 'db', version: undefined }],
  ['db@1.2.3', { stack: 'db', version: '1.2.3' }],
  ['@acme/db', { stack: '@acme/db', version: undefined }],
  ['@acme/db@^1.2 || 3', { stack: '@acme/db', version: '^1.2 || 3' }],
  ['@acme/db@next', { stack: '@acme/db', version: 'next' }],
])('%s is looked up', (text, spec) => expect(parseSpec(text)).toEqual({ kind: 'registry', ...spec }));

test('what looks like a path is one', async () => {
  expect(parseSpec(join(dir, 'x.tgz'))).toEqual({ kind: 'file', file: join(dir, 'x.tgz') });
  expect(() => parseSpec(dir)).toThrow('has no package.json');
  await writeFile(join(dir, 'package.json'), '{}');
  expect(parseSpec(dir)).toEqual({ kind: 'folder', folder: dir });
  expect(() => parseSpec('./nowhere')).toThrow('There is no ./nowhere');
  expect(() => parseSpec('nowhere.tgz')).toThrow('There is no nowhere.tgz');
});

test.each(['', 'A Name', '@acme', '@acme/', 'db@', '@/db', '-Db'])('%j is none', (text) => {
  expect(() => parseSpec(text)).toThrow('is no stack');
});
