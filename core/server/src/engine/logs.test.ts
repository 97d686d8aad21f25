import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LOG_BYTES } from './logIntake.ts';
import { DiskLogStore } from './logs.ts';

let dir: string;
let logs: DiskLogStore;
let id: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-logs-'));
  logs = new DiskLogStore({ dir });
  id = `${randomUUID()}/1`;
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const bytes = (text: string): Buffer => Buffer.from(text);
const pathOf = (attemptId: string): string => join(dir, attemptId.slice(0, 2), `${attemptId.replace('/', '.')}.log`);

async function read(from = 0, to?: number): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of logs.read(id, from, to)) parts.push(part);
  return Buffer.concat(parts).toString();
}

test('appends, trims what it has, and waits for what is missing', async () => {
  expect(await logs.append(id, 0, bytes('hello '), false)).toBe(6);
  expect(await logs.append(id, 3, bytes('lo world'), false)).toBe(11);
  expect(await logs.append(id, 20, bytes('far away'), false)).toBe(11);
  expect(await read()).toBe('hello world');
  expect(await read(6, 8)).toBe('wo');
  expect(logs.size(id)).toBe(11);
});

test('knows after a restart how far it was and whether it had ended', async () => {
  await logs.append(id, 0, bytes('abc'), false);
  logs = new DiskLogStore({ dir });
  expect([logs.size(id), logs.complete(id)]).toEqual([3, false]);
  expect(await logs.append(id, 3, bytes(''), true)).toBe(3);
  expect(await logs.append(id, 3, bytes('more'), false)).toBe(3);
  logs = new DiskLogStore({ dir });
  expect([logs.size(id), logs.complete(id)]).toEqual([3, true]);
  expect((await stat(pathOf(id))).mode & 0o777).toBe(0o400);
});

test('a log is complete when its end is said, also by an agent that lost a part of it which is here', async () => {
  await logs.append(id, 0, bytes('hello world'), false);
  expect(await logs.append(id, 0, bytes('hello'), true)).toBe(11);
  expect([logs.complete(id), await read()]).toEqual([true, 'hello world']);
});

test('an end that lies behind a gap is no end', async () => {
  await logs.append(id, 0, bytes('abc'), false);
  await logs.append(id, 5, bytes('fg'), true);
  expect(logs.complete(id)).toBe(false);
  expect(await logs.append(id, 3, bytes('defg'), true)).toBe(7);
  expect(logs.complete(id)).toBe(true);
});

test('tells those who watch of growth and of the end, until they stop', async () => {
  const seen: string[] = [];
  const undo = logs.watch(id, () => seen.push(`${logs.size(id)}${logs.complete(id) ? ' end' : ''}`));
  await logs.append(id, 0, bytes('abc'), false);
  await logs.append(id, 3, bytes('d'), true);
  undo();
  expect(seen).toEqual(['3', '4 end']);
});

test('a log that nobody wrote is empty', async () => {
  expect([logs.size(id), logs.complete(id), await read()]).toEqual([0, false, '']);
});

test.each(['../../etc/passwd', 'x/1', `${randomUUID()}/0`, `${randomUUID()}/1/../2`])(
  'refuses the id %s',
  async (bad) => {
    await expect(logs.append(bad, 0, bytes('x'), false)).rejects.toThrow(/not the id of an attempt/);
    expect(() => logs.size(bad)).toThrow(/not the id of an attempt/);
  },
);

test('repeated, overlapping and early chunks in any order give a prefix of what was sent', async () => {
  const chunk = fc.record({ from: fc.nat(60), length: fc.nat(20) });
  const text = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop';
  await fc.assert(
    fc.asyncProperty(fc.array(chunk, { maxLength: 20 }), async (chunks) => {
      id = `${randomUUID()}/1`;
      await Promise.all(
        chunks.map(({ from, length }) => logs.append(id, from, bytes(text.slice(from, from + length)), false)),
      );
      const size = logs.size(id);
      const stored = size === 0 ? '' : await readFile(pathOf(id), 'utf8');
      expect(stored).toBe(text.slice(0, size));
    }),
    { numRuns: 60 },
  );
});

test('what an agent sends without end is cut, and the log says so', async () => {
  const part = Buffer.alloc(16 * 1024 * 1024, 'x');
  for (let offset = 0; offset < 4 * part.length; offset += part.length) await logs.append(id, offset, part, false);
  expect([logs.size(id), logs.complete(id)]).toEqual([4 * part.length, false]);
  const size = await logs.append(id, 4 * part.length, part, false);
  expect(await read(LOG_BYTES)).toMatch(/^\n\[The log ends here: more than \d+ bytes .*\]\n$/);
  expect(logs.complete(id)).toBe(true);
  expect(await logs.append(id, size, part, false)).toBe(size);
  expect((await stat(pathOf(id))).size).toBe(size);
});

test('all that an agent sends at most, with its line for what is missing, is kept as it is', async () => {
  const part = Buffer.alloc(32 * 1024 * 1024, 'x');
  await logs.append(id, 0, part, false);
  await logs.append(id, part.length, bytes('[much is missing]'), false);
  expect(await logs.append(id, part.length + 17, part, true)).toBe(2 * part.length + 17);
  expect(await read(2 * part.length + 10)).toBe('xxxxxxx');
  expect(logs.complete(id)).toBe(true);
});
