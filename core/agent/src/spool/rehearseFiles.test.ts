import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { rehearseFiles } from './rehearseFiles.ts';

const dir = mkdtempSync(join(tmpdir(), 'stackyard-rehearse-'));
afterAll(() => rmSync(dir, { recursive: true }));

test('a rehearsal goes through to its end and leaves nothing', async () => {
  await rehearseFiles(dir, 'cookie');
  expect(readdirSync(dir)).toEqual([]);
});
