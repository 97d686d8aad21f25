import { chmod, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeOldLogs } from './oldLogs.ts';

const DAY_MS = 86_400_000;
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-old-logs-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function log(name: string, daysOld: number): Promise<void> {
  const file = join(dir, name.slice(0, 2), `${name}.1.log`);
  await mkdir(join(dir, name.slice(0, 2)), { recursive: true });
  await writeFile(file, 'text');
  const at = new Date(Date.now() - daysOld * DAY_MS);
  await utimes(file, at, at);
  await chmod(file, 0o400);
}

test('logs that nobody has written to for so long go, the others stay', async () => {
  for (const [name, daysOld] of Object.entries({ aa1: 31, aa2: 29, bb1: 400, bb2: 0 })) await log(name, daysOld);
  for (let number = 0; number < 250; number += 1) await log(`cc${number}`, 31);
  expect(await removeOldLogs(dir, Date.now() - 30 * DAY_MS)).toBe(252);
  const left = await readdir(dir, { recursive: true });
  expect(left.filter((name) => name.endsWith('.log')).toSorted()).toEqual(['aa/aa2.1.log', 'bb/bb2.1.log']);
});

test('without any log there is nothing to remove', async () => {
  expect(await removeOldLogs(join(dir, 'none'), Date.now())).toBe(0);
});
