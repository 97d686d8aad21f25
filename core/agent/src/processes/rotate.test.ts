import { spawn } from 'node:child_process';
import { openSync, closeSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { retireLog, rotateLog, segmentsOf } from './rotate.ts';
import { temporaryDirectory, until } from './testing.ts';

let root: ReturnType<typeof temporaryDirectory>;
let log: string;
beforeEach(() => {
  root = temporaryDirectory('rotate');
  log = join(root.path, 'out.log');
});
afterEach(() => root.remove());

/** All that was ever written and is still there. */
async function everything(): Promise<string> {
  const { segments, end } = await segmentsOf(log);
  const rest = readFileSync(log).subarray(end).toString();
  return segments.map((path) => readFileSync(path, 'utf8')).join('') + rest;
}

test('not a line is lost or doubled while a process writes as fast as it can', async () => {
  const lines = 300_000;
  const fd = openSync(log, 'a');
  const writer = spawn('awk', [`BEGIN { for (i = 1; i <= ${lines}; i++) print "line " i }`], {
    stdio: ['ignore', fd, 'ignore'],
  });
  closeSync(fd);
  const ended = new Promise((resolve) => writer.on('exit', resolve));
  let rotations = 0;
  while (writer.exitCode === null || statSync(log).size - (await segmentsOf(log)).end > 200_000) {
    const { rotated, lossy } = await rotateLog(log, { segmentBytes: 200_000, keepSegments: 1_000 });
    expect(lossy).toBe(false);
    if (rotated) rotations += 1;
  }
  await ended;
  expect(rotations).toBeGreaterThan(1);
  expect(await everything()).toBe(Array.from({ length: lines }, (_, index) => `line ${index + 1}\n`).join(''));
  // The file looks as long as ever, and takes next to nothing.
  expect(statSync(log).size).toBeGreaterThan(3_000_000);
  expect(statSync(log).blocks * 512).toBeLessThan(500_000);
});

test('a short log is left alone, a long one keeps its offsets, the oldest segments go', async () => {
  const block = (letter: string): string => letter.repeat(8_192);
  writeFileSync(log, 'short');
  expect(await rotateLog(log, { segmentBytes: 8_192 })).toEqual({ rotated: false, lossy: false });
  writeFileSync(log, '');
  for (const letter of ['a', 'b', 'c', 'd']) {
    writeFileSync(log, block(letter), { flag: 'a' });
    expect(await rotateLog(log, { segmentBytes: 8_192, keepSegments: 2 })).toEqual({ rotated: true, lossy: false });
  }
  writeFileSync(log, 'tail', { flag: 'a' });
  const { segments, end } = await segmentsOf(log);
  expect(segments.map((path) => path.slice(log.length))).toEqual(['.000003', '.000004']);
  expect(end).toBe(4 * 8_192);
  expect(await everything()).toBe(`${block('c')}${block('d')}tail`);
});

test('a retired log becomes the last segment, and numbers go on with the next file', async () => {
  writeFileSync(log, 'x'.repeat(8_192));
  await rotateLog(log, { segmentBytes: 8_192 });
  writeFileSync(log, 'the end of it', { flag: 'a' });
  await retireLog(log);
  expect(readdirSync(root.path)).not.toContain('out.log');
  writeFileSync(log, 'y'.repeat(8_192));
  await rotateLog(log, { segmentBytes: 8_192 });
  const { segments } = await segmentsOf(log);
  expect(segments.map((path) => path.slice(log.length))).toEqual(['.000001', '.000002', '.000003']);
  expect(readFileSync(segments[1]!, 'utf8')).toBe('the end of it');
});

test('a crash after the copy makes the same segment again instead of doubling it', async () => {
  writeFileSync(log, 'x'.repeat(8_192));
  await rotateLog(log, { segmentBytes: 8_192 });
  const note = readFileSync(`${log}.rotation`);
  writeFileSync(log, 'y'.repeat(8_192), { flag: 'a' });
  await rotateLog(log, { segmentBytes: 8_192 });
  // As if the note of the second rotation and its hole had not been made.
  writeFileSync(`${log}.rotation`, note);
  writeFileSync(log, `${'\0'.repeat(8_192)}${'y'.repeat(8_192)}${'z'.repeat(8_192)}`);
  await rotateLog(log, { segmentBytes: 8_192 });
  await until(
    'the log is whole',
    async () => (await everything()) === `${'x'.repeat(8_192)}${'y'.repeat(8_192)}${'z'.repeat(8_192)}`,
    1_000,
  );
});
