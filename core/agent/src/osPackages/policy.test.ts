import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withoutServiceStarts } from './policy.ts';

let dir: string;
const place = () => ({ file: join(dir, 'policy-rc.d'), lock: join(dir, 'lock') });
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'stackyard-policy-'))));
afterEach(() => rmSync(dir, { recursive: true }));

test('while packages are installed nothing may be started, and afterwards all is as before', async () => {
  const { file } = place();
  const during = await withoutServiceStarts(async () => {
    expect(statSync(file).mode & 0o111).toBe(0o111);
    return readFileSync(file, 'utf8');
  }, place());
  expect(during).toContain('exit 101');
  expect(existsSync(file)).toBe(false);
  writeFileSync(file, 'mine');
  await expect(withoutServiceStarts(() => Promise.reject(new Error('apt fails')), place())).rejects.toThrow(
    'apt fails',
  );
  expect(readFileSync(file, 'utf8')).toBe('mine');
});

test('what a cut off installation left is put right by the next one', async () => {
  const { file } = place();
  await withoutServiceStarts(async () => {
    // As after a kill -9 in the midst: ours is there, what was before is kept beside it.
    writeFileSync(`${file}.copy`, readFileSync(file));
  }, place());
  writeFileSync(file, readFileSync(`${file}.copy`));
  writeFileSync(`${file}.before-stackyard`, 'theirs');
  await withoutServiceStarts(async () => undefined, place());
  expect(readFileSync(file, 'utf8')).toBe('theirs');
  expect(existsSync(`${file}.before-stackyard`)).toBe(false);
});

test('two installations take turns', async () => {
  const order: string[] = [];
  const work = (name: string) =>
    withoutServiceStarts(async () => {
      order.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} ends`);
    }, place());
  await Promise.all([work('one'), work('other')]);
  expect([order[1]?.endsWith('ends'), order[3]?.endsWith('ends')]).toEqual([true, true]);
});
