import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sentenceOf } from './systemError.ts';

test('what the system refuses is told with its path, why, and what to do', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'stackyard-'));
  try {
    await writeFile(join(dir, 'file'), '');
    const error = await mkdir(join(dir, 'file', 'data')).catch((reason: unknown) => reason);
    expect(sentenceOf(error)).toBe(
      `${dir}/file/data cannot be made: a part of its path is no directory. Choose another path or move away what is there, then retry the task. (ENOTDIR)`,
    );
  } finally {
    await rm(dir, { recursive: true });
  }
});

test.each([
  [new Error('Port 2181 is taken.'), 'Port 2181 is taken.'],
  ['thrown text', 'thrown text'],
  [Object.assign(new Error('Our own words.'), { code: 'ENOENT', path: '/x' }), 'Our own words.'],
  [Object.assign(new Error('EACCES: x'), { code: 'EACCES' }), 'EACCES: x'],
])('%s is told as it is', (error, sentence) => {
  expect(sentenceOf(error)).toBe(sentence);
});
