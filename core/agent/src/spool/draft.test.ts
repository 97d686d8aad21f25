import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryDirectory } from '../processes/testing.ts';
import { Draft } from './draft.ts';

let root: ReturnType<typeof temporaryDirectory>;
const at = (name: string): string => join(root.path, name);
beforeEach(() => (root = temporaryDirectory('draft')));
afterEach(() => root.remove());

test('of two drafts for one name the first gets it, and the second is told', () => {
  const [first, second] = [new Draft(at('a')), new Draft(at('b'))];
  expect(first.linkOnce(at('exit'), Buffer.from('one'))).toBe(true);
  expect(second.linkOnce(at('exit'), Buffer.from('two'))).toBe(false);
  for (const draft of [first, second]) draft.discard();
  expect(readdirSync(root.path)).toEqual(['exit']);
  expect(readFileSync(at('exit'), 'utf8')).toBe('one');
  expect(statSync(at('exit')).mode & 0o777).toBe(0o600);
});

test('a draft that was moved is found where it is, and gets its name after a first try that failed', async () => {
  await mkdir(at('warm'));
  const draft = new Draft(at('warm/draft'));
  draft.moveTo(at('draft'));
  const content = Buffer.alloc(100_000, 'x');
  expect(() => draft.linkOnce(at('missing/exit'), content)).toThrow(/ENOENT/);
  expect(draft.linkOnce(at('exit'), content)).toBe(true);
  draft.discard();
  expect(readFileSync(at('exit')).equals(content)).toBe(true);
  expect([existsSync(at('draft')), existsSync(at('warm/draft'))]).toEqual([false, false]);
});
