import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Egress, Events, type PlatformEvent, Records } from '@stackyard/contract';
import { Logger, provide, token } from '@stackyard/kernel';
import type { WebhookSettings } from './settings.ts';

const COLLECTION = 'webhook.position';
const KEY = 'jobs';

/** What is sent. */
export interface Message {
  readonly event: number;
  readonly job: string;
  readonly title: string;
  readonly cluster: string | null;
  readonly state: string;
  readonly at: string;
}

/** How the notifier is doing. */
export interface Delivery {
  readonly configured: boolean;
  readonly delivered: number;
  readonly givenUp: number;
  /** Why the last message that failed did. */
  readonly lastFailure: string | null;
}

/** Tells a web address when a job fails. It remembers how far it got, so a failure while the server is down is told later. */
export interface Notifier {
  delivery(): Delivery;
  /** Sends a message that says it is a test. @throws the error of the egress when it does not arrive */
  test(): Promise<{ readonly status: number }>;
  /** Follows the jobs from now on. @returns its undo, which waits until nothing is sent any more */
  start(): Promise<() => Promise<void>>;
}
export const Notifier = token<Notifier>('webhook.Notifier');
export const WebhookOptions = token<WebhookSettings>('webhook.Options');

export class JobNotifier implements Notifier {
  readonly #events: Events;
  readonly #records: Records;
  readonly #egress: Egress;
  readonly #log: Logger;
  readonly #settings: WebhookSettings;
  #delivered = 0;
  #givenUp = 0;
  #lastFailure: string | null = null;

  constructor(events: Events, records: Records, egress: Egress, log: Logger, settings: WebhookSettings) {
    this.#events = events;
    this.#records = records;
    this.#egress = egress;
    this.#log = log;
    this.#settings = settings;
  }

  delivery(): Delivery {
    return {
      configured: this.#settings.url !== undefined,
      delivered: this.#delivered,
      givenUp: this.#givenUp,
      lastFailure: this.#lastFailure,
    };
  }

  async test(): Promise<{ status: number }> {
    return this.#post({
      event: 0,
      job: 'none',
      title: 'A test',
      cluster: null,
      state: 'TEST',
      at: new Date().toISOString(),
    });
  }

  async start(): Promise<() => Promise<void>> {
    if (this.#settings.url === undefined) return async () => undefined;
    const known = await this.#records.get<{ after: number }>(COLLECTION, KEY);
    const after = known?.after ?? (await this.#events.newest());
    if (!known) await this.#records.put(COLLECTION, KEY, { after });
    const stop = new AbortController();
    const following = this.#follow(after, stop.signal).catch((error: unknown) =>
      this.#log.error({ err: error }, 'Failed jobs are no longer told'),
    );
    return async () => {
      stop.abort();
      await following;
    };
  }

  async #follow(after: number, signal: AbortSignal): Promise<void> {
    for await (const event of this.#events.follow({ topics: ['job'], after, signal })) {
      if (event.payload['state'] !== 'FAILED') continue;
      if (!(await this.#deliver(event, signal))) return;
      await this.#records.put(COLLECTION, KEY, { after: event.id });
    }
  }

  /** @returns false when it was stopped before the message arrived: then it is sent again after the next start */
  async #deliver(event: PlatformEvent, signal: AbortSignal): Promise<boolean> {
    const { jobId, title, state } = event.payload as unknown as { jobId: string; title: string; state: string };
    const message = {
      event: event.id,
      job: jobId,
      title,
      cluster: event.clusterId ?? null,
      state,
      at: event.at.toISOString(),
    };
    for (let attempt = 1; attempt <= this.#settings.tries; attempt += 1) {
      try {
        const { status } = await this.#post(message, signal);
        if (status >= 200 && status < 300) {
          this.#delivered += 1;
          return true;
        }
        this.#lastFailure = `it was answered ${status}`;
      } catch (error) {
        this.#lastFailure = error instanceof Error ? error.message : String(error);
      }
      if (attempt < this.#settings.tries)
        await delay(this.#settings.waitMs * 2 ** (attempt - 1), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return false;
    }
    this.#givenUp += 1;
    this.#log.warn({ jobId, reason: this.#lastFailure }, 'A failed job could not be told');
    return true;
  }

  #post(message: Message, signal?: AbortSignal): Promise<{ status: number }> {
    const { url = '', secret } = this.#settings;
    const signature = secret && createHmac('sha256', secret).update(JSON.stringify(message)).digest('hex');
    const headers = signature ? { 'x-stackyard-signature': `sha256=${signature}` } : {};
    return this.#egress.post({ url, headers, body: message, signal });
  }
}
provide(JobNotifier, Events, Records, Egress, Logger, WebhookOptions);
