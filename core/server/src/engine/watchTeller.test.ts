import { createLogger } from '@stackyard/kernel';
import type { WatchedComponent } from '@stackyard/proto';
import { expect, test, vi } from 'vitest';
import { WatchTeller } from './watchTeller.ts';

/** A teller over components by host, and what it told: [stream, ids of components]. */
function world() {
  const components = new Map<string, readonly string[]>();
  const streams = new Map<string, number>();
  const told: [number, readonly string[]][] = [];
  let [looking, most, looks] = [0, 0, 0];
  const teller = new WatchTeller({
    watchedOn: async (hostId) => {
      looks += 1;
      most = Math.max(most, ++looking);
      await Promise.resolve();
      looking -= 1;
      if (hostId === 'broken') throw new Error('The database is away.');
      return (components.get(hostId) ?? []).map((hostComponentId): WatchedComponent => ({ hostComponentId }));
    },
    streamOf: (hostId) => streams.get(hostId),
    tell: (stream, some) => void told.push([stream, some.map(({ hostComponentId }) => hostComponentId ?? '')]),
    log: createLogger({ level: 'silent' }),
  });
  return { components, streams, told, teller, looks: () => looks, most: () => most };
}

test('hosts that change together are looked at together, each once, and the trouble of one is not that of the others', async () => {
  const { components, streams, told, teller, looks, most } = world();
  for (let n = 1; n <= 250; n++) {
    components.set(`h${n}`, [`c${n}`]);
    streams.set(`h${n}`, n);
  }
  teller.changed('broken');
  for (let round = 0; round < 3; round++) for (let n = 1; n <= 250; n++) teller.changed(`h${n}`);
  await vi.waitFor(() => expect(told.length).toBe(250));
  expect(told.slice(0, 2)).toEqual([
    [1, ['c1']],
    [2, ['c2']],
  ]);
  expect([looks(), most()]).toEqual([251, 100]);
  teller.stop();
});

test('an agent is told what it knows already only on a new stream', async () => {
  const { components, streams, told, teller, looks } = world();
  const looked = (times: number): Promise<void> => vi.waitFor(() => expect(looks()).toBe(times));
  components.set('h', ['a']);
  teller.changed('h');
  await looked(1);
  expect(told).toEqual([]);
  streams.set('h', 7);
  for (const times of [2, 3]) {
    teller.changed('h');
    await looked(times);
  }
  await vi.waitFor(() => expect(told).toEqual([[7, ['a']]]));
  streams.set('h', 8);
  teller.changed('h');
  await vi.waitFor(() => expect(told.slice(1)).toEqual([[8, ['a']]]));
  components.set('h', ['a', 'b']);
  teller.changed('h');
  await vi.waitFor(() => expect(told.slice(2)).toEqual([[8, ['a', 'b']]]));
  teller.stop();
});
