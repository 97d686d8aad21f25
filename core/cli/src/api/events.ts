import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { CliError } from '../errors.ts';
import { type Connection, headersOf, reach, refusal } from './client.ts';

export interface StreamMessage {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: unknown;
}

export interface StreamOptions {
  readonly signal?: AbortSignal;
  /** Called when the stream broke off, and when it goes on. */
  readonly onBreak?: (reason: string) => void;
  readonly onResume?: () => void;
  /** The event that ends the stream; it is passed on. */
  readonly last?: string;
  /** For tests. */
  readonly fetch?: typeof fetch;
  readonly firstDelayMs?: number;
  /** How long a server may be away. */
  readonly patienceMs?: number;
}

/** The server sends a comment every 15 s: when even these stay away, the connection is dead. */
const SILENCE_MS = 45_000;
const LONGEST_DELAY_MS = 5_000;

/**
 * Server-sent events. When the stream breaks off it goes on exactly where it was, by Last-Event-ID.
 *
 * @throws what the first connection fails with; a later one is tried again for ten minutes.
 */
export async function* streamOf(
  connection: Connection,
  path: string,
  options: StreamOptions = {},
): AsyncGenerator<StreamMessage> {
  const { signal, last, firstDelayMs = 250, patienceMs = 600_000, fetch: fetching = fetch } = options;
  let lastId: string | undefined;
  let connectedOnce = false;
  let delayMs = firstDelayMs;
  let awaySince: number | undefined;
  while (!signal?.aborted) {
    const silence = new Silence(SILENCE_MS);
    try {
      const stop = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
      const headers = {
        ...headersOf(connection),
        accept: 'text/event-stream',
        ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
      };
      const response = await reach(connection, () => fetching(`${connection.url}${path}`, { headers, signal: stop }));
      if (!response.ok || !response.body) throw await refused(response);
      if (connectedOnce && awaySince !== undefined) options.onResume?.();
      connectedOnce = true;
      awaySince = undefined;
      delayMs = firstDelayMs;
      for await (const message of messagesOf(response.body, silence)) {
        lastId = message.id ?? lastId;
        yield message;
        if (last !== undefined && message.event === last) return;
      }
      throw new CliError('the server ended the stream');
    } catch (error) {
      if (signal?.aborted) return;
      if (!connectedOnce || (error instanceof Refused && error.status < 500))
        throw error instanceof Refused ? error.error : error;
      if (awaySince === undefined) options.onBreak?.((error as Error).message);
      awaySince ??= Date.now();
      if (Date.now() - awaySince > patienceMs) throw error instanceof Refused ? error.error : error;
      await pause(delayMs, signal);
      delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
    } finally {
      silence.end();
    }
  }
}

class Refused extends Error {
  readonly status: number;
  readonly error: CliError;
  constructor(status: number, error: CliError) {
    super(error.message);
    this.status = status;
    this.error = error;
  }
}

async function refused(response: Response): Promise<Refused> {
  const body: unknown = await response.json().catch(() => undefined);
  return new Refused(response.status, refusal(body, response));
}

async function* messagesOf(body: ReadableStream<Uint8Array>, silence: Silence): AsyncGenerator<StreamMessage> {
  const waiting: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => void waiting.push(message) });
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    silence.heard();
    parser.feed(decoder.decode(bytes, { stream: true }));
    for (const { id, event, data } of waiting.splice(0))
      yield { id, event: event ?? 'message', data: JSON.parse(data) };
  }
}

/** Aborts when nothing has been heard for a while. */
class Silence {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  constructor(limitMs: number) {
    this.#timer = setTimeout(
      () => this.#controller.abort(new CliError(`nothing was heard for ${limitMs / 1000} s`)),
      limitMs,
    );
  }
  get signal(): AbortSignal {
    return this.#controller.signal;
  }
  heard(): void {
    this.#timer.refresh();
  }
  end(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
