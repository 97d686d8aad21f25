import { until } from '../../engine/testing/world.ts';
import type { ServerWorld } from './world.ts';

export interface Heard {
  readonly id: string;
  readonly event: string;
  // oxlint-disable-next-line no-explicit-any
  readonly data: any;
}

/** An event stream that is being read; `cut` breaks it off as a closed laptop would. */
export class Listening {
  readonly heard: Heard[] = [];
  /** Comments, such as heartbeats. */
  comments = 0;
  ended = false;
  readonly #controller = new AbortController();
  #reading: Promise<void> | undefined;

  /** @throws Error when the server answers anything but a stream. */
  static async open(
    world: ServerWorld,
    path: string,
    { lastEventId }: { lastEventId?: string | undefined } = {},
  ): Promise<Listening> {
    const listening = new Listening();
    const answer = await fetch(`${world.server.url}/api/v1${path}`, {
      headers: {
        authorization: `Bearer ${world.server.token}`,
        accept: 'text/event-stream',
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
      signal: listening.#controller.signal,
    });
    if (answer.status !== 200 || !answer.body) throw new Error(`${answer.status}: ${await answer.text()}`);
    listening.#reading = listening.#read(answer.body).catch(() => undefined);
    return listening;
  }

  get lastId(): string | undefined {
    return this.heard.at(-1)?.id;
  }

  untilHeard(holds: (heard: readonly Heard[]) => boolean): Promise<void> {
    return until(() => holds(this.heard));
  }

  async untilEnd(): Promise<void> {
    await until(() => this.ended);
  }

  async cut(): Promise<void> {
    this.#controller.abort();
    await this.#reading;
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const part of body) {
        const blocks = (rest + decoder.decode(part, { stream: true })).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) this.#take(block);
      }
    } finally {
      this.ended = true;
    }
  }

  #take(block: string): void {
    const fields = Object.fromEntries(
      block
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trimStart()]),
    );
    if (fields['data'] === undefined) this.comments += 1;
    else this.heard.push({ id: fields['id'] ?? '', event: fields['event'] ?? '', data: JSON.parse(fields['data']) });
  }
}
