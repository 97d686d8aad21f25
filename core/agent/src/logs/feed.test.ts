import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CHUNK_BYTES, LogFeed, WINDOW_BYTES } from './feed.ts';

let dir: string;
let file: string;
const attempt = { taskId: 'task', number: 1 };

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-feed-'));
  file = join(dir, 'output.log');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function bytesOf(feed: LogFeed): Promise<number> {
  let sum = 0;
  for (let chunk = await feed.next(); chunk; chunk = await feed.next()) sum += chunk.data.length;
  return sum;
}

test('the first chunk asks what the server holds; nothing follows before it has answered', async () => {
  await writeFile(file, 'x'.repeat(3 * CHUNK_BYTES));
  const feed = new LogFeed(attempt, file);
  expect(await feed.next()).toMatchObject({ offset: 0, last: false });
  expect(await feed.next()).toBeUndefined();
  feed.acknowledged(2 * CHUNK_BYTES);
  expect(await feed.next()).toMatchObject({ offset: 2 * CHUNK_BYTES });
  await feed.close();
});

test('a short log that has ended is one chunk, and done when it is acknowledged', async () => {
  await writeFile(file, 'all of it');
  const feed = new LogFeed(attempt, file);
  feed.ended(9);
  expect(await feed.next()).toMatchObject({ offset: 0, data: Buffer.from('all of it'), last: true });
  expect(feed.done).toBe(false);
  feed.acknowledged(9);
  expect(feed.done).toBe(true);
  await feed.close();
});

test('an attempt that printed nothing has a log that ends at once', async () => {
  const feed = new LogFeed(attempt, join(dir, 'none'));
  feed.ended(0);
  expect(await feed.next()).toMatchObject({ offset: 0, last: true });
  feed.acknowledged(0);
  expect(feed.done).toBe(true);
});

test('no more than the window is sent without an acknowledgement', async () => {
  await writeFile(file, 'x'.repeat(3 * WINDOW_BYTES));
  const feed = new LogFeed(attempt, file);
  await feed.next();
  feed.acknowledged(CHUNK_BYTES);
  expect(await bytesOf(feed)).toBe(WINDOW_BYTES);
  feed.acknowledged(CHUNK_BYTES + WINDOW_BYTES / 2);
  expect(await bytesOf(feed)).toBe(WINDOW_BYTES / 2);
  await feed.close();
});

test('a server that was restored from a backup gets again what it lost', async () => {
  await writeFile(file, 'x'.repeat(1_000));
  const feed = new LogFeed(attempt, file);
  await feed.next();
  feed.acknowledged(1_000);
  feed.rewind();
  await appendFile(file, 'y');
  expect(await feed.next()).toMatchObject({ offset: 1_000 });
  feed.acknowledged(300);
  expect(await feed.next()).toMatchObject({ offset: 300 });
  await feed.close();
});

test('whatever breaks off, the server ends up with exactly the bytes of the file', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('grow' as const), bytes: fc.integer({ min: 1, max: 200_000 }) }),
    fc.record({ do: fc.constant('send' as const) }),
    fc.record({ do: fc.constant('ack' as const) }),
    fc.record({ do: fc.constant('break' as const), kept: fc.double({ min: 0, max: 1, noNaN: true }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      await writeFile(file, '');
      const feed = new LogFeed(attempt, file);
      let size = 0;
      let held = 0;
      let ended = false;
      let wire: { offset: number; length: number; last: boolean }[] = [];
      const acks: number[] = [];
      const deliver = (count: number): void => {
        for (const { offset, length, last } of wire.splice(0, count)) {
          if (offset <= held) held = Math.max(held, offset + length);
          ended ||= last && held === size;
          acks.push(held);
        }
      };
      const send = async (): Promise<boolean> => {
        const chunk = await feed.next();
        if (chunk) wire.push({ offset: chunk.offset, length: chunk.data.length, last: chunk.last });
        return chunk !== undefined;
      };
      for (const each of steps) {
        if (each.do === 'grow') await appendFile(file, Buffer.alloc(each.bytes, 1)).then(() => (size += each.bytes));
        else if (each.do === 'send') await send();
        else if (each.do === 'ack') deliver(wire.length);
        else {
          // The stream loses its tail, and all answers that are on their way.
          deliver(Math.floor(wire.length * each.kept));
          wire = [];
          acks.length = 0;
          feed.rewind();
        }
        for (const offset of acks.splice(0)) feed.acknowledged(offset);
      }
      feed.ended(size);
      for (let round = 0; round < 1_000 && !feed.done; round += 1) {
        while (await send());
        deliver(wire.length);
        for (const offset of acks.splice(0)) feed.acknowledged(offset);
      }
      await feed.close();
      expect({ held, ended, done: feed.done }).toEqual({ held: size, ended: true, done: true });
    }),
    { numRuns: 60 },
  );
});
