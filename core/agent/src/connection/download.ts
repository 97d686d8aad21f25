import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelCredentials, status } from '@grpc/grpc-js';
import { Agents, type AgentsClient, type DownloadChunk__Output } from '@stackyard/proto';
import { channelOptions, type Credentials } from './credentials.ts';
import { backoffMs } from './backoff.ts';
import { untilReady } from './ready.ts';

const IDLE_MS = 10_000;

/** Answers of the server that asking again does not change. */
const FINAL: ReadonlySet<number> = new Set([
  status.NOT_FOUND,
  status.INVALID_ARGUMENT,
  status.OUT_OF_RANGE,
  status.DATA_LOSS,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.UNIMPLEMENTED,
]);

function isFinal(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' && FINAL.has(code);
}

/** Reads artifacts and packages from the server, over a channel of its own that is open only while it is used. */
export class Downloads {
  readonly #credentials: Credentials;
  #client: AgentsClient | undefined;
  #channel: ChannelCredentials | undefined;
  #users = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /**
   * The bytes of a digest from an offset on. A server that is away is waited for until the signal says stop: an attempt
   * has its own time, and a restart of the server must not cost it.
   * @throws the server's final answer, such as that it has no such digest; the signal's reason
   */
  async *read(digest: string, offset: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    let reached = offset;
    for (let fruitless = 0; ; fruitless++) {
      const before = reached;
      try {
        for await (const data of this.#attempt(digest, reached, signal)) {
          reached += data.length;
          yield data;
        }
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (isFinal(error)) throw error;
        if (reached > before) fruitless = 0;
        await delay(backoffMs(fruitless, Math.random()), undefined, { signal });
      }
    }
  }

  async *#attempt(digest: string, offset: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    this.#users += 1;
    clearTimeout(this.#idle);
    // One that broke off may be used no longer than its certificate is good.
    if (this.#users === 1 && this.#channel !== this.#credentials.channel()) this.stop();
    this.#channel = this.#credentials.channel();
    this.#client ??= new Agents(this.#credentials.server, this.#channel, channelOptions);
    try {
      await untilReady(this.#client, this.#credentials.server);
      const call = this.#client.Download({ digest, offset });
      const abort = (): void => call.cancel();
      signal.addEventListener('abort', abort, { once: true });
      try {
        for await (const chunk of call as AsyncIterable<DownloadChunk__Output>) yield chunk.data;
      } finally {
        signal.removeEventListener('abort', abort);
        call.cancel();
      }
    } finally {
      this.#users -= 1;
      if (this.#users === 0) this.#idle = setTimeout(() => this.stop(), IDLE_MS).unref();
    }
  }

  stop(): void {
    clearTimeout(this.#idle);
    this.#client?.close();
    this.#client = undefined;
  }
}
