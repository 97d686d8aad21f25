import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryDirectory } from '../processes/testing.ts';
import { keptLimits } from './kept.ts';
import { trim, trimmable } from './trim.ts';

let root: ReturnType<typeof temporaryDirectory>;
beforeEach(() => (root = temporaryDirectory('trim')));
afterEach(() => root.remove());

const MiB = 2 ** 20;

test('what is kept is never given back, nor is little', () => {
  expect(trimmable(0, 0)).toBeUndefined();
  expect(trimmable(64 * MiB, 0)).toBeUndefined();
  expect(trimmable(200 * MiB + 5, 0)).toBe(144 * MiB);
  expect(trimmable(210 * MiB, 144 * MiB)).toBeUndefined();
});

test('a log that is written to all the time takes no more of the disk than what is kept and a little', async () => {
  const file = join(root.path, 'output.log');
  const fd = openSync(file, 'a');
  let trimmedTo = 0;
  let most = 0;
  for (let written = 0; written < 320; written += 1) {
    writeSync(fd, Buffer.alloc(MiB, String(written % 10)));
    const end = trimmable(statSync(file).size, trimmedTo);
    if (end !== undefined && (await trim(file, end))) trimmedTo = end;
    most = Math.max(most, statSync(file).blocks * 512);
  }
  closeSync(fd);
  const { headBytes, tailBytes } = keptLimits;
  expect(statSync(file).size).toBe(320 * MiB);
  expect(most).toBeLessThan(headBytes + tailBytes + 48 * MiB);
  const reader = openSync(file, 'r');
  const at = (offset: number): string => {
    const byte = Buffer.alloc(1);
    readSync(reader, byte, 0, 1, offset);
    return byte.toString();
  };
  expect([at(headBytes - 1), at(headBytes), at(320 * MiB - tailBytes), at(320 * MiB - 1)]).toEqual([
    '5',
    '\0',
    '2',
    '9',
  ]);
  closeSync(reader);
});
