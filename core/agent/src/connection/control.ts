import { type ServiceError, status } from '@grpc/grpc-js';
import type { AgentMessage, ServerMessage__Output } from '@stackyard/proto';
import { Agents, type AgentsClient } from '@stackyard/proto';
import { backoffMs, longestWaitMs, MAX_MS } from './backoff.ts';
import { channelOptions, type Credentials } from './credentials.ts';
import { isNews, withoutOvertaken } from './news.ts';
import { untilReady } from './ready.ts';

export interface ControlEvents {
  /** A stream is open; nothing has been said on it. */
  opened(stream: number): void;
  received(stream: number, message: ServerMessage__Output): void;
  /** `refused`: the server does not know this agent, or not by this certificate. */
  closed(stream: number, why: string, refused: boolean): void;
  /** No connection could be made, or it ended; the next try follows after `afterMs`. */
  retrying?(why: string, afterMs: number): void;
}

/** How long news of an attempt wait for what comes after them: most small tasks are over by then, and nobody saw them run. */
const NEWS_MS = 25;

type Call = ReturnType<AgentsClient['Control']>;

/** Keeps one control stream to the server, for ever, through all failures, until it is stopped. */
export class ControlConnection {
  readonly #credentials: Credentials;
  readonly #events: ControlEvents;
  #client: AgentsClient | undefined;
  #call: Call | undefined;
  #stream = 0;
  #tries = 0;
  #longestWaitMs = MAX_MS;
  #notBefore = 0;
  #timer: NodeJS.Timeout | undefined;
  #outbox: AgentMessage[] = [];
  #flush: NodeJS.Immediate | undefined;
  #newsTimer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(credentials: Credentials, events: ControlEvents) {
    this.#credentials = credentials;
    this.#events = events;
  }

  start(): void {
    void this.#open();
  }

  /**
   * Queues a message; all messages of one turn of the event loop leave in one frame. News of an attempt wait a moment for
   * others: the result of a short one overtakes them.
   */
  send(stream: number, message: AgentMessage): void {
    if (stream !== this.#stream || !this.#call) return;
    this.#outbox.push(message);
    if (isNews(message)) this.#newsTimer ??= setTimeout(() => this.#write(), NEWS_MS);
    else this.#flush ??= setImmediate(() => this.#write());
  }

  /** The session works: the next failure starts with short waits again. */
  settled(): void {
    this.#tries = 0;
  }

  /** Ends this stream and comes back, not before `retryAfterMs`. */
  close(stream: number, why: string, retryAfterMs = 0): void {
    if (stream !== this.#stream || !this.#call) return;
    this.#notBefore = retryAfterMs;
    this.#end(why);
  }

  /** Says what is queued, ends the stream and does not come back. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    if (this.#call) this.#outbox.push({ goodbye: {} });
    this.#write();
    const client = this.#client;
    this.#call?.end();
    this.#call = undefined;
    // What was written last leaves before the channel closes.
    setTimeout(() => client?.close(), 100).unref();
  }

  async #open(): Promise<void> {
    const client = new Agents(this.#credentials.server, this.#credentials.channel(), channelOptions);
    this.#client = client;
    try {
      await untilReady(client, this.#credentials.server);
    } catch (error) {
      return this.#retry((error as Error).message);
    }
    if (this.#stopped) return client.close();
    const stream = ++this.#stream;
    const call = client.Control();
    this.#call = call;
    const closed = (why: string, refused = false): void => {
      if (this.#call === call) this.#end(why, refused);
    };
    call.on('data', (frame: { messages: ServerMessage__Output[] }) => {
      for (const message of frame.messages) {
        const pace = message.welcome?.heartbeatMs || message.heartbeatAck?.heartbeatMs;
        if (pace) this.#longestWaitMs = longestWaitMs(pace);
        if (this.#call === call) this.#events.received(stream, message);
      }
    });
    call.on('error', (error: Partial<ServiceError>) =>
      closed(error.details || String(error.message), error.code === status.UNAUTHENTICATED),
    );
    call.on('end', () => closed('the server ended the stream'));
    this.#events.opened(stream);
  }

  #write(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    clearTimeout(this.#newsTimer);
    this.#newsTimer = undefined;
    const messages = withoutOvertaken(this.#outbox);
    this.#outbox = [];
    if (messages.length > 0) this.#call?.write({ messages });
  }

  #end(why: string, refused = false): void {
    const call = this.#call;
    this.#call = undefined;
    this.#outbox = [];
    // Its last events are of no interest, but an error without a listener would end the process.
    call?.removeAllListeners();
    call?.on('error', () => undefined);
    call?.cancel();
    this.#events.closed(this.#stream, why, refused);
    this.#retry(why);
  }

  #retry(why: string): void {
    this.#client?.close();
    this.#client = undefined;
    if (this.#stopped) return;
    const afterMs = this.#notBefore + backoffMs(this.#tries++, Math.random(), this.#longestWaitMs);
    this.#notBefore = 0;
    this.#events.retrying?.(why, afterMs);
    this.#timer = setTimeout(() => void this.#open(), afterMs);
  }
}
