import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { renewOutput, rotateOutput } from './output.ts';

let dir: string;
let file: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-output-'));
  file = join(dir, 'output.log');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('the output of a running writer is rotated without losing, doubling or breaking a line', async () => {
  const fd = openSync(file, 'a');
  const lines = 60_000;
  const script = `for (let n = 1; n <= ${lines}; n += 1) require('fs').writeSync(1, 'line ' + n + '\\n');`;
  const writer = spawn(process.execPath, ['-e', script], { stdio: ['ignore', fd, 'inherit'] });
  closeSync(fd);
  const ended = once(writer, 'exit');
  let running = true;
  void ended.then(() => (running = false));
  const how = new Set<string>();
  while (running) how.add(await rotateOutput(file, { segmentBytes: 64 * 1024, segments: 1_000 }));
  await ended;
  expect([...how].toSorted()).toEqual(['nothing', 'punched']);
  await renewOutput(file, { segmentBytes: 64 * 1024, segments: 1_000 });
  const segments: string[] = [];
  for (let number = 1; existsSync(`${file}.${number}`); number += 1)
    segments.unshift(await readFile(`${file}.${number}`, 'utf8'));
  expect(segments.length).toBeGreaterThan(2);
  const expected = Array.from({ length: lines }, (_, index) => `line ${index + 1}\n`).join('');
  expect(segments.join('') === expected).toBe(true);
  expect(existsSync(file)).toBe(false);
});

test('old segments go, and a small file is left as it is', async () => {
  const limits = { segmentBytes: 10_000, segments: 2 };
  await writeFile(file, 'x'.repeat(100));
  expect(await rotateOutput(file, limits)).toBe('nothing');
  for (let round = 0; round < 4; round += 1) {
    await writeFile(file, `${round}`.repeat(20_000), { flag: 'a' });
    expect(await rotateOutput(file, limits)).toBe('punched');
  }
  expect(existsSync(`${file}.2`)).toBe(true);
  expect(existsSync(`${file}.3`)).toBe(false);
  // On disk little more is left than what was not rotated yet.
  expect((await stat(file)).blocks * 512).toBeLessThan(20_000);
});
