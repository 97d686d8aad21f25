import { Agents, type AgentsClient, type DownloadChunk__Output } from '@stackyard/proto';
import type { Identity } from '../identity.ts';
import { callMetadata, channelCredentials, channelOptions } from './credentials.ts';
import { untilReady } from './ready.ts';

const IDLE_MS = 10_000;

/** Reads artifacts and packages from the server, over a channel of its own that is open only while it is used. */
export class Downloads {
  readonly #identity: Pick<Identity, 'agentId' | 'secret' | 'server'>;
  #client: AgentsClient | undefined;
  #users = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(identity: Pick<Identity, 'agentId' | 'secret' | 'server'>) {
    this.#identity = identity;
  }

  /** The bytes of a digest from an offset on. @throws ServerUnreachableError, the error of the call */
  async *read(digest: string, offset: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    this.#users += 1;
    clearTimeout(this.#idle);
    this.#client ??= new Agents(this.#identity.server, channelCredentials(), channelOptions);
    try {
      await untilReady(this.#client, this.#identity.server);
      const call = this.#client.Download({ digest, offset }, callMetadata(this.#identity));
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
