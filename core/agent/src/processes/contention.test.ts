import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { isMachineBusy } from './contention.ts';

const dir = mkdtempSync(join(tmpdir(), 'stackyard-contention-'));
afterAll(() => rmSync(dir, { recursive: true }));

const cores = cpus().length;

test.each([
  ['only the one that asks runs', `0.07 3.20 9.80 1/123 4567\n`, false],
  ['there is a core for each', `50.12 3.20 9.80 ${cores}/123 4567\n`, false],
  ['somebody waits for a core', `0.00 0.00 0.00 ${cores + 1}/123 4567\n`, true],
  ['the kernel says something else', `0.00 0.00 0.00\n`, false],
])('when %s', (_, text, busy) => {
  const file = join(dir, 'loadavg');
  writeFileSync(file, text);
  expect(isMachineBusy(1, file)).toBe(busy);
});

test('many wait when there are several for each core', () => {
  const file = join(dir, 'many');
  writeFileSync(file, `0.00 0.00 0.00 ${4 * cores}/123 4567\n`);
  expect([isMachineBusy(3, file), isMachineBusy(4, file)]).toEqual([true, false]);
});

test('where no kernel tells, nobody waits', () => {
  expect(isMachineBusy(1, join(dir, 'nothing'))).toBe(false);
});
