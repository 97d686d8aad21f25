import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keptBytes, keptLimits, pieceAt } from './kept.ts';
import {
  CHUNK_BYTES,
  type FeedEffect,
  type FeedEvent,
  type FeedState,
  hurryOf,
  newFeed,
  stepFeed,
  WINDOW_BYTES,
} from './step.ts';

type Sent = Extract<FeedEffect, { kind: 'send' }>;

/** A feed, the file it reads and what it has sent; reads are answered at once. */
class Feed {
  state: FeedState;
  sent: Sent[] = [];
  delivered = 0;
  file: Buffer;

  constructor(file: Buffer | string = '', limits = keptLimits) {
    this.file = Buffer.from(file);
    this.state = newFeed(limits);
  }

  happened(...events: FeedEvent[]): this {
    const queue = [...events];
    for (let event = queue.shift(); event; event = queue.shift()) {
      const [state, effects] = stepFeed(this.state, event);
      this.state = state;
      for (const effect of effects) {
        if (effect.kind === 'send') this.sent.push(effect);
        else if (effect.kind === 'delivered') this.delivered += 1;
        else queue.unshift({ kind: 'read', offset: effect.offset, data: this.read(effect.offset, effect.length) });
      }
    }
    return this;
  }

  read(offset: number, length: number): Buffer {
    const { total, written, limits } = this.state;
    const piece = pieceAt(offset, length, total === undefined ? undefined : written, limits);
    return piece.kind === 'marker' ? piece.bytes : this.file.subarray(piece.at, piece.at + piece.length);
  }

  grow(text: Buffer | string): this {
    this.file = Buffer.concat([this.file, Buffer.from(text)]);
    return this.happened({ kind: 'grown', written: this.file.length });
  }

  open(stream = 1): this {
    return this.happened({ kind: 'opened', stream });
  }

  end(): this {
    return this.happened({ kind: 'ended', written: this.file.length });
  }

  ack(durable: number, stream = 1): this {
    return this.happened({ kind: 'acknowledged', stream, durable });
  }

  get bytes(): number {
    return this.sent.reduce((sum, { data }) => sum + data.length, 0);
  }
}

test('the first chunk asks what the server holds; nothing follows before it has answered', () => {
  const feed = new Feed().open().grow(Buffer.alloc(3 * CHUNK_BYTES));
  expect(feed.sent).toMatchObject([{ offset: 0, last: false, data: { length: CHUNK_BYTES } }]);
  feed.ack(2 * CHUNK_BYTES);
  expect(feed.sent.slice(1)).toMatchObject([{ offset: 2 * CHUNK_BYTES }]);
});

test('a short log that has ended is one chunk, and done when it is acknowledged', () => {
  const feed = new Feed('all of it').end().open();
  expect(feed.sent).toMatchObject([{ offset: 0, data: Buffer.from('all of it'), last: true }]);
  expect(feed.delivered).toBe(0);
  expect(feed.ack(9).delivered).toBe(1);
});

test('a log is done only when the server has answered to its end, not when it has all bytes', () => {
  const feed = new Feed().open().grow('a').ack(1).grow('b').end();
  expect(feed.sent.map(({ last }) => last)).toEqual([false, false, true]);
  expect(feed.ack(2).delivered).toBe(0);
  expect(feed.ack(2).delivered).toBe(1);
  expect(feed.ack(2).delivered).toBe(1);
});

test('an attempt that printed nothing has a log that ends at once', () => {
  const feed = new Feed().open().end();
  expect(feed.sent).toMatchObject([{ offset: 0, data: { length: 0 }, last: true }]);
  expect(feed.ack(0).delivered).toBe(1);
});

test('what is printed needs a stream at once, the word that nothing was printed may wait', () => {
  const hurries = (feed: Feed): string => hurryOf(feed.state);
  expect(hurries(new Feed())).toBe('NONE');
  expect(hurries(new Feed().end())).toBe('LATER');
  expect(hurries(new Feed().grow('a'))).toBe('NOW');
  expect(hurries(new Feed().grow('a').end())).toBe('NOW');
  expect(hurries(new Feed().open().grow('a').ack(1))).toBe('NONE');
  expect(hurries(new Feed().open().grow('a').ack(1).end())).toBe('NOW');
  expect(hurries(new Feed().open().end().ack(0))).toBe('NONE');
});

test('no more than the window is sent without an acknowledgement', () => {
  const feed = new Feed()
    .open()
    .grow(Buffer.alloc(3 * WINDOW_BYTES))
    .ack(CHUNK_BYTES);
  expect(feed.bytes).toBe(CHUNK_BYTES + WINDOW_BYTES);
  feed.ack(CHUNK_BYTES + WINDOW_BYTES / 2);
  expect(feed.bytes).toBe(CHUNK_BYTES + 1.5 * WINDOW_BYTES);
});

test('a server that was restored from a backup gets again what it lost', () => {
  const feed = new Feed().open().grow(Buffer.alloc(1_000)).ack(1_000);
  feed.happened({ kind: 'lost', stream: 1 }).open(2).grow('y');
  expect(feed.sent.at(-1)).toMatchObject({ stream: 2, offset: 1_000 });
  feed.ack(300, 2);
  expect(feed.sent.at(-1)).toMatchObject({ offset: 300, data: { length: 701 } });
});

test('an answer on an earlier stream changes nothing', () => {
  const feed = new Feed().open().grow('abc').happened({ kind: 'lost', stream: 1 }).open(2);
  const before = feed.state;
  expect(feed.ack(3, 1).state).toEqual(before);
});

test('a file that was cut from outside ends where it ends', () => {
  const feed = new Feed('all of it').end();
  feed.file = Buffer.from('all');
  feed.open();
  feed.ack(3);
  expect(feed.sent.at(-1)).toMatchObject({ offset: 3, data: { length: 0 }, last: true });
  expect(feed.ack(3).delivered).toBe(1);
});

test('while an attempt runs, only its beginning is sent; at the end the rest, or a line for what is missing and the end', () => {
  const limits = { headBytes: 10, tailBytes: 20 };
  const text = (length: number): string => Array.from({ length }, (_, index) => index % 10).join('');
  const whole = new Feed('', limits).open().grow(text(30)).ack(10);
  expect(whole.bytes).toBe(10);
  expect(Buffer.concat(whole.end().sent.map(({ data }) => data)).toString()).toBe(text(30));

  const cut = new Feed('', limits).open().grow(text(31)).ack(10).end();
  for (let more = true; more;) {
    const before = cut.bytes;
    cut.ack(cut.state.sent);
    more = cut.bytes > before;
  }
  expect(Buffer.concat(cut.sent.map(({ data }) => data)).toString()).toBe(
    '0123456789\n[1 bytes are missing here: the first 10 bytes and the last 20 bytes of an attempt are kept.]\n12345678901234567890',
  );
  expect(cut.state.total).toBe(keptBytes(31, limits));
});

/** A server that keeps the rules: what fits is taken, what it has is trimmed, what would leave a gap is refused. */
class Server {
  held: Buffer = Buffer.alloc(0);
  ended = false;
  take({ offset, data, last }: Sent): number {
    if (offset <= this.held.length && !this.ended) {
      this.held = Buffer.concat([this.held, Buffer.from(data).subarray(this.held.length - offset)]);
      this.ended = last && offset + data.length === this.held.length;
    }
    return this.held.length;
  }
}

test('whatever breaks off and whoever starts anew, the server ends up with exactly the bytes that are kept', () => {
  const limits = { headBytes: 100_000, tailBytes: 200_000 };
  const step = fc.oneof(
    fc.record({ do: fc.constant('grow' as const), bytes: fc.integer({ min: 1, max: 90_000 }) }),
    fc.record({ do: fc.constant('ack' as const) }),
    fc.record({ do: fc.constant('break' as const), kept: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ do: fc.constant('restart' as const) }),
    fc.record({ do: fc.constant('restore' as const), kept: fc.double({ min: 0, max: 1, noNaN: true }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const server = new Server();
      let feed = new Feed('', limits).open();
      let stream = 1;
      let at = 0;
      const deliver = (count = feed.sent.length - at): number[] =>
        feed.sent.slice(at, (at += count)).map((chunk) => server.take(chunk));
      const settle = (): void => {
        for (let acks = deliver(); acks.length > 0; acks = deliver())
          for (const durable of acks) feed.ack(durable, stream);
      };
      for (const each of steps) {
        if (each.do === 'grow') feed.grow(Buffer.alloc(each.bytes, `${feed.file.length}.`));
        else if (each.do === 'ack') settle();
        else {
          // The stream loses its tail, and all answers that are on their way.
          deliver(Math.floor((feed.sent.length - at) * ('kept' in each ? each.kept : 1)));
          feed.happened({ kind: 'lost', stream });
          if (each.do === 'restore') server.held = server.held.subarray(0, Math.floor(server.held.length * each.kept));
          if (each.do === 'restart') feed = new Feed(feed.file, limits);
          [feed.sent, at] = [[], 0];
          feed.open((stream += 1)).grow('');
        }
      }
      feed.end();
      settle();
      const kept = new Feed(feed.file, limits).end();
      const expected: Buffer[] = [];
      for (let offset = 0; offset < kept.state.total!; offset += expected.at(-1)!.length)
        expected.push(kept.read(offset, kept.state.total! - offset));
      expect(server.held.equals(Buffer.concat(expected))).toBe(true);
      expect([server.ended, feed.state.done, feed.delivered]).toEqual([true, true, 1]);
    }),
    { numRuns: 500 },
  );
});
