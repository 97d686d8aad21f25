import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changesIn, matters } from './watch.ts';

let dir: string;
let stop: AbortController;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-watch-'));
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await rm(dir, { recursive: true, force: true });
});

test.each([
  ['src/index.ts', true],
  ['templates/zoo.cfg.hbs', true],
  ['scripts/format.sh', true],
  ['package.json', true],
  ['src/index.test.ts', false],
  ['dist/stack/a.tgz', false],
  ['node_modules/x/index.js', false],
  ['golden/a.txt', false],
  ['.git/index', false],
  ['src/.index.ts.swp', false],
  ['contract-report.md', false],
])('a change of %s matters: %s', (path, expected) => {
  expect(matters(path)).toBe(expected);
});

test('files that change together come together, and those that change meanwhile come next', async () => {
  await mkdir(join(dir, 'src'));
  const changes = changesIn(dir, stop.signal);
  const first = changes.next();
  await writeFile(join(dir, 'src/a.ts'), '1');
  await writeFile(join(dir, 'src/b.ts'), '1');
  const seen = new Set((await first).value as string[]);
  while (!seen.has('src/b.ts')) for (const file of (await changes.next()).value as string[]) seen.add(file);
  expect(seen).toContain('src/a.ts');
  await writeFile(join(dir, 'src/c.ts'), '1');
  await writeFile(join(dir, 'src/c.test.ts'), '1');
  expect((await changes.next()).value).toEqual(['src/c.ts']);
});

test('it ends when it is told to', async () => {
  const next = changesIn(dir, stop.signal).next();
  stop.abort();
  expect(await next).toEqual({ done: true, value: undefined });
});
