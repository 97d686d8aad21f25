import { dirname } from 'node:path';
import { Agents, type AgentsClient, type LogAck__Output } from '@stackyard/proto';
import { backoffMs } from '../connection/backoff.ts';
import { channelOptions, type Credentials } from '../connection/credentials.ts';
import { untilReady } from '../connection/ready.ts';
import { attemptId } from '../session/attempts.ts';
import type { AttemptRef } from '../session/messages.ts';
import { readExit } from '../spool/entry.ts';
import { OutputFile } from './file.ts';
import { type FeedEffect, type FeedEvent, type FeedState, hurryOf, newFeed, stepFeed } from './step.ts';

/** Read or sent and not yet durable, over all attempts. */
const WINDOW_BYTES = 8 * 1024 * 1024;
const FRAME_BYTES = 512 * 1024;
const IDLE_MS = 10_000;
/** How long the word that an attempt has printed nothing waits for other reasons to connect; at random up to twice this. */
const SILENT_MS = 1_000;
/** How often to look for growth that no watch told. */
const BEAT_MS = 1_000;

type Call = ReturnType<AgentsClient['Logs']>;
type Chunk = { attempt: AttemptRef; offset: number; data: Uint8Array; last: boolean };

interface Feed {
  readonly attempt: AttemptRef;
  readonly file: OutputFile;
  state: FeedState;
}

interface WantedRead {
  readonly feed: Feed;
  readonly offset: number;
  readonly length: number;
}

/** Sends the logs of attempts over a channel of its own, which is open only while there is something to follow. */
export class LogSender {
  readonly #credentials: Credentials;
  readonly #delivered: (attempt: AttemptRef) => void;
  readonly #feeds = new Map<string, Feed>();
  /** Reads that wait for room in the window, in the order they were asked for. */
  #wanted: WantedRead[] = [];
  #readingBytes = 0;
  #client: AgentsClient | undefined;
  #call: Call | undefined;
  #stream = 0;
  #outbox: Chunk[] = [];
  #outboxBytes = 0;
  #flush: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #later: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #beat: NodeJS.Timeout | undefined;
  #tries = 0;
  #opening = false;
  #stopped = false;

  /** `delivered` is called when the server has the whole log of an attempt. */
  constructor(credentials: Credentials, delivered: (attempt: AttemptRef) => void = () => undefined) {
    this.#credentials = credentials;
    this.#delivered = delivered;
  }

  /** Follows the output of an attempt from the byte on that the server does not have. */
  follow(attempt: AttemptRef, path: string): void {
    this.#feedOf(attempt, path)?.file.follow();
  }

  /** The attempt has ended, and its result is on disk. What something that outlives it prints from now on is not its output. */
  ended(attempt: AttemptRef, path: string): void {
    const feed = this.#feedOf(attempt, path);
    if (feed) void this.#end(feed, path);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of [this.#retry, this.#later, this.#idle, this.#beat]) clearTimeout(timer);
    this.#close();
    const feeds = [...this.#feeds.values()];
    this.#feeds.clear();
    this.#wanted = [];
    await Promise.all(feeds.map(({ file }) => file.close()));
  }

  #feedOf(attempt: AttemptRef, path: string): Feed | undefined {
    const id = attemptId(attempt);
    const known = this.#feeds.get(id);
    if (known || this.#stopped) return known;
    const file = new OutputFile(path, (written) => {
      this.#happened(feed, { kind: 'grown', written });
      this.#connect(feed.state);
    });
    const feed: Feed = { attempt, file, state: newFeed() };
    this.#feeds.set(id, feed);
    clearTimeout(this.#idle);
    this.#beat ??= setInterval(() => this.#lookAtAll(), BEAT_MS).unref();
    if (this.#call) this.#happened(feed, { kind: 'opened', stream: this.#stream });
    return feed;
  }

  /** Opens a stream for what has to be sent, unless that is under way: after a failure it is tried again in its time. */
  #connect(state: FeedState): void {
    const hurry = hurryOf(state);
    if (hurry === 'NONE' || this.#call || this.#retry || this.#stopped) return;
    if (hurry === 'NOW') void this.#open();
    else this.#later ??= setTimeout(() => void this.#open(), SILENT_MS * (1 + Math.random())).unref();
  }

  async #end(feed: Feed, path: string): Promise<void> {
    await feed.file.ended();
    const exit = await readExit(dirname(path)).catch(() => 'none' as const);
    const noted = typeof exit === 'string' ? undefined : exit.logSize;
    this.#happened(feed, { kind: 'ended', written: noted ?? (await feed.file.size()) });
    this.#connect(feed.state);
  }

  #happened(feed: Feed, event: FeedEvent): void {
    if (this.#feeds.get(attemptId(feed.attempt)) !== feed) return;
    const [state, effects] = stepFeed(feed.state, event);
    feed.state = state;
    for (const effect of effects) this.#perform(feed, effect);
  }

  #perform(feed: Feed, effect: FeedEffect): void {
    switch (effect.kind) {
      case 'read':
        this.#wanted.push({ feed, offset: effect.offset, length: effect.length });
        return this.#readOn();
      case 'send': {
        const { offset, last } = effect;
        if (effect.stream === this.#stream) this.#queue({ attempt: feed.attempt, offset, data: effect.data, last });
        return;
      }
      case 'delivered':
        return this.#finish(feed);
    }
  }

  /** Performs the reads there is room for. */
  #readOn(): void {
    while (this.#call && !this.#call.writableNeedDrain && this.#wanted.length > 0) {
      const [{ length }] = this.#wanted as [WantedRead];
      if (this.#unacked() + this.#readingBytes + length > WINDOW_BYTES) return;
      void this.#read(this.#wanted.shift()!);
    }
  }

  async #read({ feed, offset, length }: WantedRead): Promise<void> {
    this.#readingBytes += length;
    const { total, written } = feed.state;
    const data = await feed.file
      .read(offset, length, total === undefined ? undefined : written)
      .catch(() => Buffer.alloc(0))
      .finally(() => (this.#readingBytes -= length));
    this.#happened(feed, { kind: 'read', offset, data });
  }

  #unacked(): number {
    let sum = 0;
    for (const { state } of this.#feeds.values()) sum += state.sent - state.acked;
    return sum;
  }

  #finish(feed: Feed): void {
    this.#feeds.delete(attemptId(feed.attempt));
    void feed.file.close();
    this.#delivered(feed.attempt);
    if (this.#feeds.size === 0) this.#idle = setTimeout(() => this.#close(), IDLE_MS).unref();
  }

  #lookAtAll(): void {
    for (const { file, state } of this.#feeds.values()) if (state.total === undefined) file.follow();
  }

  async #open(): Promise<void> {
    if (this.#call || this.#opening || this.#stopped) return;
    this.#opening = true;
    for (const timer of [this.#retry, this.#later]) clearTimeout(timer);
    this.#retry = this.#later = undefined;
    const client = new Agents(this.#credentials.server, this.#credentials.channel(), channelOptions);
    this.#client = client;
    try {
      await untilReady(client, this.#credentials.server);
    } catch {
      this.#opening = false;
      return this.#comeBack();
    }
    this.#opening = false;
    if (this.#stopped) return client.close();
    const call = client.Logs();
    this.#call = call;
    const stream = ++this.#stream;
    const ended = (): void => {
      if (this.#call === call) this.#comeBack();
    };
    call.on('data', (ack: LogAck__Output) => this.#acknowledged(stream, ack));
    call.on('error', ended);
    call.on('end', ended);
    call.on('drain', () => this.#readOn());
    for (const feed of this.#feeds.values()) this.#happened(feed, { kind: 'opened', stream });
    this.#readOn();
  }

  #acknowledged(stream: number, { attempt, durableOffset }: LogAck__Output): void {
    const feed = attempt && this.#feeds.get(attemptId(attempt));
    this.#tries = 0;
    if (feed) this.#happened(feed, { kind: 'acknowledged', stream, durable: durableOffset });
    this.#readOn();
  }

  #queue(chunk: Chunk): void {
    this.#outbox.push(chunk);
    this.#outboxBytes += chunk.data.length;
    if (this.#outboxBytes >= FRAME_BYTES) this.#write();
    else this.#flush ??= setImmediate(() => this.#write());
  }

  #write(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    const chunks = this.#outbox;
    this.#outbox = [];
    this.#outboxBytes = 0;
    if (chunks.length > 0) this.#call?.write({ chunks });
  }

  #comeBack(): void {
    this.#close();
    if (this.#stopped || [...this.#feeds.values()].every(({ state }) => hurryOf(state) === 'NONE')) return;
    this.#retry = setTimeout(() => void this.#open(), backoffMs(this.#tries++, Math.random()));
  }

  #close(): void {
    this.#write();
    const call = this.#call;
    this.#call = undefined;
    call?.removeAllListeners();
    call?.on('error', () => undefined);
    call?.end();
    const client = this.#client;
    this.#client = undefined;
    if (client) setTimeout(() => client.close(), 100).unref();
    for (const feed of this.#feeds.values()) this.#happened(feed, { kind: 'lost', stream: this.#stream });
  }
}
