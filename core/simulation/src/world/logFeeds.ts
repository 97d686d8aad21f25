import { logs } from '@stackyard/agent';
import type { Process } from '../time/process.ts';
import type { Random } from '../time/random.ts';
import { chunkBytes, keptOf, limits, outputOf } from './output.ts';
import { type Entry, idOf } from './spool.ts';
import type { End, Stream } from './stream.ts';

/** On the streams for output; each chunk is answered once, in their order. */
export interface LogUp {
  readonly attemptId: string;
  readonly offset: number;
  readonly data: Uint8Array;
  readonly last: boolean;
}
export interface LogDown {
  readonly attemptId: string;
  readonly durable: number;
}

export type LogStream = Stream<LogUp, LogDown>;
export type ConnectLogs = (end: End<LogDown>, then: (stream: LogStream | undefined) => void) => void;

interface Feed {
  readonly entry: Entry;
  readonly unwatch: () => void;
  state: logs.FeedState;
}

/** How soon the growth of a file is seen. */
const LOOK_MS = 5;
const READ_MS = 1;

/** Sends the output of attempts: the real feeds, over a stream of their own. */
export class LogFeeds {
  readonly #process: Process;
  readonly #random: Random;
  readonly #connect: ConnectLogs;
  readonly #feeds = new Map<string, Feed>();
  #stream: LogStream | undefined;
  #streamNo = 0;
  #opening = false;
  #tries = 0;

  constructor(process: Process, random: Random, connect: ConnectLogs) {
    this.#process = process;
    this.#random = random;
    this.#connect = connect;
  }

  /** The server has all output of what has ended. */
  get isIdle(): boolean {
    return this.#feeds.size === 0;
  }

  follow(entry: Entry): void {
    const feed = this.#feedOf(entry);
    this.#happened(feed, { kind: 'grown', written: entry.logSize });
  }

  /** Its result is on disk. */
  ended(entry: Entry): void {
    if (entry.logDelivered) return;
    const feed = this.#feedOf(entry);
    feed.unwatch();
    this.#happened(feed, { kind: 'ended', written: entry.exit?.value.logSize ?? entry.logSize });
  }

  /** It is offered once more, whatever the server has said of it. */
  again(entry: Entry): void {
    entry.logDelivered = false;
    this.ended(entry);
  }

  /** With its process. */
  leave(): void {
    this.#stream?.leave('up', false);
    for (const { unwatch } of this.#feeds.values()) unwatch();
  }

  #feedOf(entry: Entry): Feed {
    const id = idOf(entry.ref);
    const known = this.#feeds.get(id);
    if (known) return known;
    const grown = (): void => {
      this.#process.later(LOOK_MS, () => this.#happened(feed, { kind: 'grown', written: entry.logSize }));
    };
    const feed: Feed = { entry, unwatch: entry.watch(grown), state: logs.newFeed(limits, chunkBytes) };
    this.#feeds.set(id, feed);
    if (this.#stream) this.#happened(feed, { kind: 'opened', stream: this.#streamNo });
    else this.#open();
    return feed;
  }

  #happened(feed: Feed, event: logs.FeedEvent): void {
    const attemptId = idOf(feed.entry.ref);
    if (this.#feeds.get(attemptId) !== feed) return;
    const [state, effects] = logs.stepFeed(feed.state, event);
    feed.state = state;
    for (const effect of effects) {
      if (effect.kind === 'read') this.#read(feed, effect);
      else if (effect.kind === 'delivered') this.#delivered(feed);
      else if (effect.stream === this.#streamNo) {
        const { offset, data, last } = effect;
        this.#stream?.up.send({ attemptId, offset, data, last });
      }
    }
  }

  #read(feed: Feed, { offset, length }: Extract<logs.FeedEffect, { kind: 'read' }>): void {
    this.#process.later(READ_MS, () => {
      const { entry, state } = feed;
      const { total, written } = state;
      this.#happened(feed, { kind: 'read', offset, data: readOf(entry, { offset, length, total, written }) });
    });
  }

  #delivered(feed: Feed): void {
    this.#feeds.delete(idOf(feed.entry.ref));
    feed.unwatch();
    feed.entry.logDelivered = true;
  }

  #open(): void {
    if (this.#stream || this.#opening) return;
    this.#opening = true;
    let own: LogStream | undefined;
    const end: End<LogDown> = {
      process: this.#process,
      received: ({ attemptId, durable }) => {
        if (this.#stream !== own) return;
        this.#tries = 0;
        const feed = this.#feeds.get(attemptId);
        if (feed) this.#happened(feed, { kind: 'acknowledged', stream: this.#streamNo, durable });
      },
      closed: () => {
        if (this.#stream === own && own) this.#lost();
      },
    };
    this.#connect(end, (stream) =>
      this.#process.happen(() => {
        this.#opening = false;
        if (!stream) return this.#comeBack();
        own = stream;
        this.#stream = stream;
        this.#streamNo += 1;
        for (const feed of this.#feeds.values()) this.#happened(feed, { kind: 'opened', stream: this.#streamNo });
      }),
    );
  }

  #lost(): void {
    this.#stream = undefined;
    for (const feed of this.#feeds.values()) this.#happened(feed, { kind: 'lost', stream: this.#streamNo });
    this.#comeBack();
  }

  #comeBack(): void {
    if (this.#feeds.size === 0) return;
    this.#tries += 1;
    this.#process.after(this.#random.fraction() * Math.min(10_000, 200 * 2 ** this.#tries), () => this.#open());
  }
}

/** From the file as it is: after a loss of power it may be shorter than it was. */
function readOf(
  { ref, logSize }: Entry,
  { offset, length, total, written }: { offset: number; length: number; total: number | undefined; written: number },
): Uint8Array {
  const piece = logs.pieceAt(offset, length, total === undefined ? undefined : written, limits);
  if (piece.kind === 'marker') return piece.bytes;
  return outputOf(idOf(ref), Math.min(piece.at, logSize), Math.min(piece.at + piece.length, logSize));
}

/** Whether these bytes are what the log of the attempt says there: as printed, or as kept of what was too long. */
export function isKept(attemptId: string, from: number, data: Uint8Array, entry: Entry | undefined): boolean {
  const to = from + data.length;
  if (outputOf(attemptId, from, to).equals(data)) return true;
  const written = entry?.exit?.value.logSize ?? entry?.logSize ?? 0;
  return keptOf(attemptId, from, to, written).equals(data);
}
