import type { AgentMessage__Output } from '@stackyard/proto';
import { expect, test } from 'vitest';
import { Inbox } from './inbox.ts';

const beats = (...numbers: number[]): AgentMessage__Output[] =>
  numbers.map(
    (n) =>
      ({ body: 'heartbeat', heartbeat: { n, attemptsDigest: Buffer.alloc(0) } }) as unknown as AgentMessage__Output,
  );

test('messages keep their order, and whoever brings them is told when all are done with', async () => {
  const heard: number[] = [];
  const gate = Promise.withResolvers<void>();
  const inbox = new Inbox((message) => {
    if (message.kind !== 'heartbeat') return undefined;
    heard.push(message.n);
    return message.n === 2 ? gate.promise : undefined;
  });
  expect(inbox.take(beats(1))).toBeUndefined();
  const later = inbox.take(beats(2, 3));
  expect(later).toBeInstanceOf(Promise);
  expect(heard).toEqual([1, 2]);
  gate.resolve();
  await later;
  expect(heard).toEqual([1, 2, 3]);
  expect(inbox.take(beats(4))).toBeUndefined();
});
