import { createHmac } from 'node:crypto';
import {
  Egress,
  Events,
  type FollowOptions,
  type OutgoingRequest,
  type PlatformEvent,
  Records,
} from '@stackyard/contract';
import { createKernel } from '@stackyard/kernel';
import { expect, onTestFinished, test, vi } from 'vitest';
import { webhook } from './index.ts';
import { Notifier } from './notifier.ts';
import { webhookSettings } from './settings.ts';

const SECRET = 'a-secret-of-sixteen';

/** A platform of its own: events that are put in, records in memory, and an address that answers as told. */
class World {
  readonly sent: OutgoingRequest[] = [];
  readonly answers: (number | Error)[] = [];
  readonly kept = new Map<string, object>();
  readonly #events: PlatformEvent[] = [];
  #wake = Promise.withResolvers<void>();
  /** Those who follow now. */
  following = 0;

  happen(state: string, title = 'Start Cache'): void {
    const id = this.#events.length + 1;
    const payload = { kind: 'job', jobId: `j${id}`, title, state };
    this.#events.push({ id, topic: 'job', clusterId: 'c1', at: new Date(0), payload });
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  async *#follow({ after = 0, signal }: FollowOptions): AsyncGenerator<PlatformEvent> {
    this.following += 1;
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    try {
      for (let last = after; !signal.aborted;) {
        const woken = this.#wake.promise;
        for (const event of this.#events.slice(last)) yield event;
        last = this.#events.length;
        await Promise.race([woken, aborted]);
      }
    } finally {
      this.following -= 1;
    }
  }

  async start(given: Readonly<Record<string, string>> = {}) {
    const env = { STACKYARD_WEBHOOK_URL: 'https://hooks.example/x', STACKYARD_WEBHOOK_WAIT_MS: '10', ...given };
    const records: Partial<Records> = {
      get: async <T extends object>(_: string, key: string) => this.kept.get(key) as T | undefined,
      put: async (_, key, value) => void this.kept.set(key, value),
    };
    const egress: Egress = {
      post: async (request) => {
        this.sent.push(request);
        const answer = this.answers.shift() ?? 204;
        if (answer instanceof Error) throw answer;
        return { status: answer };
      },
    };
    const kernel = await createKernel()
      .value(Events, { newest: async () => this.#events.length, follow: (options) => this.#follow(options) })
      .value(Records, records as Records)
      .value(Egress, egress)
      .load(webhook(() => webhookSettings.read({ env })))
      .start();
    onTestFinished(() => kernel.stop());
    return kernel;
  }

  untilSent(count: number): Promise<void> {
    return vi.waitFor(
      () => {
        if (this.sent.length !== count) throw new Error(`${this.sent.length} of ${count} messages were sent.`);
      },
      { timeout: 10_000, interval: 5 },
    );
  }
}

test('a job that fails is told, and one that does not is not', async () => {
  const world = new World();
  await world.start({ STACKYARD_WEBHOOK_SECRET: SECRET });
  world.happen('RUNNING');
  world.happen('FAILED', 'Start Kafka');
  world.happen('SUCCESSFUL');
  await world.untilSent(1);
  const { url, headers, body } = world.sent[0]!;
  expect({ url, body }).toEqual({
    url: 'https://hooks.example/x',
    body: { event: 2, job: 'j2', title: 'Start Kafka', cluster: 'c1', state: 'FAILED', at: '1970-01-01T00:00:00.000Z' },
  });
  const signature = createHmac('sha256', SECRET).update(JSON.stringify(body)).digest('hex');
  expect(headers).toEqual({ 'x-stackyard-signature': `sha256=${signature}` });
});

test('a message that does not arrive is tried again, and given up in the end without holding up the next', async () => {
  const world = new World();
  const kernel = await world.start({ STACKYARD_WEBHOOK_TRIES: '2' });
  world.answers.push(503, new Error('refused'), 500, 200);
  world.happen('FAILED');
  world.happen('FAILED');
  await world.untilSent(4);
  await vi.waitFor(() =>
    expect(kernel.resolve(Notifier).delivery()).toEqual({
      configured: true,
      delivered: 1,
      givenUp: 1,
      lastFailure: 'it was answered 500',
    }),
  );
});

test('what failed while the server was down is told after its start', async () => {
  const world = new World();
  const first = await world.start();
  world.happen('FAILED');
  await world.untilSent(1);
  await vi.waitFor(() => expect(world.kept.get('jobs')).toEqual({ after: 1 }));
  await first.stop();
  world.happen('FAILED');
  await world.start();
  await world.untilSent(2);
  expect(world.sent.map(({ body }) => (body as { event: number }).event)).toEqual([1, 2]);
});

test('when the plugin stops, nothing of it goes on', async () => {
  const world = new World();
  const kernel = await world.start();
  await vi.waitFor(() => expect(world.following).toBe(1));
  await kernel.stop();
  expect(world.following).toBe(0);
  world.happen('FAILED');
  await new Promise((resolve) => setImmediate(resolve));
  expect(world.sent).toEqual([]);
});

test('without an address it does nothing, and a wrong setting is told without its value', async () => {
  const world = new World();
  await world.start({ STACKYARD_WEBHOOK_URL: '' });
  expect(world.following).toBe(0);
  await expect(world.start({ STACKYARD_WEBHOOK_SECRET: 'too-short' })).rejects.toThrow(/secret/);
  await expect(world.start({ STACKYARD_WEBHOOK_SECRET: 'too-short' })).rejects.not.toThrow(/too-short/);
});
