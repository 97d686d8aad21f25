import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StreamMessage } from '@stackyard/contract';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DiskLogStore } from '../../engine/logs.ts';
import { follow, wholeCharacters } from './logs.ts';

let dir = '';
let logs: DiskLogStore;
let count = 0;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-logs-'));
  logs = new DiskLogStore({ dir });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const newAttempt = () => `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}/1`;
const quiet = { subscribe: () => () => undefined };
const text = (messages: StreamMessage[]) =>
  messages.map(({ event, data }) => (event === 'output' ? (data as { text: string }).text : '')).join('');

async function read(attemptId: string, from = 0, sizeAtEnd?: number): Promise<StreamMessage[]> {
  const messages: StreamMessage[] = [];
  const following = follow(
    { logs, events: quiet, sizeAtEnd: async () => sizeAtEnd },
    { attemptId, from, signal: AbortSignal.timeout(5_000) },
  );
  for await (const message of following) messages.push(message);
  return messages;
}

describe('following a log', () => {
  test('a log that grows is followed to its end, and the last event says so', async () => {
    const id = newAttempt();
    const reading = read(id);
    for (const [offset, part] of ['one\n', 'two\n', 'three\n'].entries())
      await logs.append(id, offset * 4, Buffer.from(part), part === 'three\n');
    const messages = await reading;
    expect(text(messages)).toBe('one\ntwo\nthree\n');
    expect(messages.at(-1)).toEqual({ id: '14', event: 'end', data: { size: 14 } });
  });

  test('a character that arrives in two pieces is sent whole', async () => {
    const id = newAttempt();
    const [a, b] = [Buffer.from('€🙂').subarray(0, 2), Buffer.from('€🙂').subarray(2)];
    await logs.append(id, 0, a, false);
    const reading = read(id);
    await logs.append(id, 2, b, true);
    expect(text(await reading)).toBe('€🙂');
  });

  test('wherever one resumes, no half character comes, and nothing is left out', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), fc.nat(), async (whole, at) => {
        const id = newAttempt();
        const bytes = Buffer.from(whole.toWellFormed());
        await logs.append(id, 0, bytes, true);
        const from = at % bytes.length;
        const tail = text(await read(id, from));
        const first = bytes.length - Buffer.byteLength(tail);
        expect(bytes.subarray(first).toString()).toBe(tail);
        expect(first).toBeLessThanOrEqual(from);
        expect(from - first).toBeLessThan(4);
      }),
      { numRuns: 60 },
    );
  });

  test('output that is no UTF-8 is sent to its last byte', async () => {
    const id = newAttempt();
    await logs.append(id, 0, Buffer.from([0xff, 0x80, 0x80, 0x80, 0x80, 0x61, 0xf0]), true);
    for (const from of [0, 1, 2, 3, 4, 5, 6]) expect((await read(id, from)).at(-1)?.id).toBe('7');
  });

  test('a log that no agent will ever end, ends with its attempt', async () => {
    expect(await read(newAttempt(), 0, 0)).toEqual([{ id: '0', event: 'end', data: { size: 0 } }]);
    const lost = newAttempt();
    await logs.append(lost, 0, Buffer.from('half a l'), false);
    expect(text(await read(lost, 0, 8))).toBe('half a l');
  });

  test('what became of the attempt is asked after commits, not for each piece of output', async () => {
    const id = newAttempt();
    let size: number | undefined;
    let asked = 0;
    let commit = (): void => undefined;
    const following = follow(
      {
        logs,
        events: { subscribe: (onCommit) => ((commit = () => onCommit(1)), () => undefined) },
        sizeAtEnd: async () => (asked++, size),
      },
      { attemptId: id, from: 0, signal: AbortSignal.timeout(5_000) },
    );
    const messages: StreamMessage[] = [];
    for (const [offset, part] of ['a', 'b', 'c', 'd'].entries()) {
      await logs.append(id, offset, Buffer.from(part), false);
      const { value } = await following.next();
      if (value) messages.push(value);
    }
    size = 5;
    commit();
    const rest = Promise.all([following.next(), following.next()]);
    await logs.append(id, 4, Buffer.from('e'), false);
    for (const { value } of await rest) if (value) messages.push(value);
    expect([text(messages), messages.at(-1)?.event, asked]).toEqual(['abcde', 'end', 2]);
  });

  test('a client that goes ends it', async () => {
    const following = follow(
      { logs, events: quiet, sizeAtEnd: async () => undefined },
      { attemptId: newAttempt(), from: 0, signal: AbortSignal.timeout(20) },
    );
    expect(await following.next()).toEqual({ done: true, value: undefined });
  });
});

test('as many bytes are whole as end on a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), (whole, at) => {
      const bytes = Buffer.from(whole.toWellFormed());
      const cut = bytes.subarray(0, at % (bytes.length + 1));
      const text = cut.subarray(0, wholeCharacters(cut)).toString();
      expect(whole.toWellFormed().startsWith(text)).toBe(true);
      expect(cut.length - wholeCharacters(cut)).toBeLessThan(4);
    }),
  );
});
