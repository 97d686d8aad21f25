import { Agents, type AgentsClient, type LogAck__Output } from '@stackyard/proto';
import { backoffMs } from '../connection/backoff.ts';
import { callMetadata, channelCredentials, channelOptions } from '../connection/credentials.ts';
import { untilReady } from '../connection/ready.ts';
import type { Identity } from '../identity.ts';
import { attemptId } from '../session/attempts.ts';
import type { AttemptRef } from '../session/messages.ts';
import { type Chunk, LogFeed } from './feed.ts';

/** Sent and not yet durable, over all attempts. */
const WINDOW_BYTES = 8 * 1024 * 1024;
const FRAME_BYTES = 512 * 1024;
const IDLE_MS = 10_000;
/** How often to look for growth that no watch told. */
const BEAT_MS = 1_000;

type Call = ReturnType<AgentsClient['Logs']>;

/** Sends the logs of attempts over a channel of its own, which is open only while there is something to follow. */
export class LogSender {
  readonly #identity: Pick<Identity, 'agentId' | 'secret' | 'server'>;
  readonly #feeds = new Map<string, LogFeed>();
  readonly #pumping = new Set<string>();
  readonly #again = new Set<string>();
  #client: AgentsClient | undefined;
  #call: Call | undefined;
  #outbox: Chunk[] = [];
  #outboxBytes = 0;
  #flush: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #beat: NodeJS.Timeout | undefined;
  #tries = 0;
  #opening = false;
  #stopped = false;

  readonly #delivered: (attempt: AttemptRef) => void;

  /** `delivered` is called when the server has the whole log of an attempt. */
  constructor(
    identity: Pick<Identity, 'agentId' | 'secret' | 'server'>,
    delivered: (attempt: AttemptRef) => void = () => undefined,
  ) {
    this.#identity = identity;
    this.#delivered = delivered;
  }

  /** Follows the log of an attempt from the byte on that the server does not have. */
  follow(attempt: AttemptRef, file: string): void {
    const id = attemptId(attempt);
    if (this.#stopped || this.#feeds.has(id)) return;
    const feed = new LogFeed(attempt, file);
    this.#feeds.set(id, feed);
    feed.watch(() => void this.#pump(id));
    clearTimeout(this.#idle);
    this.#beat ??= setInterval(() => this.#pumpAll(), BEAT_MS).unref();
    if (this.#call) void this.#pump(id);
    else void this.#open();
  }

  /** The attempt has ended and its log has this size. */
  ended(attempt: AttemptRef, file: string, size: number): void {
    this.follow(attempt, file);
    const id = attemptId(attempt);
    this.#feeds.get(id)?.ended(size);
    void this.#pump(id);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of [this.#retry, this.#idle, this.#beat]) clearTimeout(timer);
    this.#close();
    await Promise.all([...this.#feeds.values()].map((feed) => feed.close()));
    this.#feeds.clear();
  }

  async #open(): Promise<void> {
    if (this.#call || this.#opening || this.#stopped) return;
    this.#opening = true;
    clearTimeout(this.#retry);
    const client = new Agents(this.#identity.server, channelCredentials(), channelOptions);
    this.#client = client;
    try {
      await untilReady(client, this.#identity.server);
    } catch {
      this.#opening = false;
      return this.#comeBack();
    }
    this.#opening = false;
    if (this.#stopped) return client.close();
    const call = client.Logs(callMetadata(this.#identity));
    this.#call = call;
    const ended = (): void => {
      if (this.#call === call) this.#comeBack();
    };
    call.on('data', (ack: LogAck__Output) => this.#acknowledged(ack));
    call.on('error', ended);
    call.on('end', ended);
    call.on('drain', () => this.#pumpAll());
    for (const feed of this.#feeds.values()) feed.rewind();
    this.#pumpAll();
  }

  #acknowledged({ attempt, durableOffset }: LogAck__Output): void {
    if (!attempt) return;
    this.#tries = 0;
    const id = attemptId(attempt);
    const feed = this.#feeds.get(id);
    if (!feed) return;
    feed.acknowledged(durableOffset);
    if (!feed.done) return void this.#pump(id);
    this.#feeds.delete(id);
    void feed.close();
    this.#delivered(feed.attempt);
    if (this.#feeds.size > 0) return;
    this.#idle = setTimeout(() => this.#close(), IDLE_MS).unref();
  }

  #pumpAll(): void {
    for (const id of this.#feeds.keys()) void this.#pump(id);
  }

  async #pump(id: string): Promise<void> {
    if (this.#pumping.has(id)) return void this.#again.add(id);
    this.#pumping.add(id);
    try {
      do {
        this.#again.delete(id);
        const feed = this.#feeds.get(id);
        feed?.watch(() => void this.#pump(id));
        while (feed && this.#call && !this.#call.writableNeedDrain && this.#unacked() < WINDOW_BYTES) {
          const chunk = await feed.next();
          // When the stream broke during the read, the next one rewinds.
          if (!chunk || !this.#call) break;
          this.#queue(chunk);
        }
      } while (this.#again.has(id));
    } finally {
      this.#pumping.delete(id);
    }
  }

  #unacked(): number {
    let sum = 0;
    for (const feed of this.#feeds.values()) sum += feed.unacked;
    return sum;
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
    if (this.#stopped || this.#feeds.size === 0) return;
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
  }
}
