import { setImmediate as turn } from 'node:timers/promises';
import type { Envelope } from '@stackyard/proto';
import { expect, test } from 'vitest';
import { sampleJob } from './core/testing.ts';
import type { EnvelopeSource } from './ports.ts';
import { Preparer } from './preparer.ts';

const envelope = (taskId: string): Envelope => ({ taskId, phase: 'check' });

/** Asks for the envelopes of so many tasks; writes down who is told of which. */
function asking(tasks: number, source: Partial<EnvelopeSource> = {}) {
  const job = sampleJob(
    'one',
    Array.from({ length: tasks }, () => ({ hostId: 'h' })),
  );
  const told: (readonly string[])[] = [];
  const failed: string[] = [];
  const envelopes: EnvelopeSource = {
    envelopeNow: (_job, { id }) => envelope(id),
    envelopeOf: async (_job, { id }) => envelope(id),
    foresee: async () => undefined,
    release: () => undefined,
    watchedOn: async () => [],
    ...source,
  };
  const preparer = new Preparer({
    envelopes,
    prepared: (built) => told.push(built.map(({ attemptId }) => attemptId)),
    unprepared: (attemptId, { message }) => failed.push(`${attemptId}: ${message}`),
  });
  job.attempts.forEach(({ id }, node) => preparer.prepare(id, { job, node }));
  return { preparer, told, failed, ids: job.attempts.map(({ id }) => id) };
}

test('what needs no waiting is built and told of together', async () => {
  const { told, ids } = asking(3);
  expect(told).toEqual([]);
  await turn();
  expect(told).toEqual([ids]);
});

test('more than is built at a time comes in parts, in the order in which it was asked for', async () => {
  const { told, ids } = asking(230);
  while (told.flat().length < 230) await turn();
  expect(told.map(({ length }) => length)).toEqual([100, 100, 30]);
  expect(told.flat()).toEqual(ids);
});

test('what is dropped before it is built is not told of', async () => {
  const { preparer, told, ids } = asking(2);
  preparer.drop(ids[0]!);
  await turn();
  expect(told).toEqual([[ids[1]]]);
  expect(preparer.get(ids[0]!)).toBeUndefined();
});

test('an envelope that has to be waited for holds up no other', async () => {
  const waited = Promise.withResolvers<Envelope>();
  const { told, ids } = asking(2, {
    envelopeNow: (_job, { id, node }) => (node === 0 ? undefined : envelope(id)),
    envelopeOf: () => waited.promise,
  });
  await turn();
  expect(told).toEqual([[ids[1]]]);
  waited.resolve(envelope('late'));
  await turn();
  expect(told).toEqual([[ids[1]], [ids[0]]]);
});

test('a build that is dropped on its way is ended and not told of', async () => {
  const signals: AbortSignal[] = [];
  const { preparer, told, failed, ids } = asking(1, {
    envelopeNow: () => undefined,
    envelopeOf: (_job, _task, _attempt, signal) => {
      signals.push(signal);
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('ended'))));
    },
  });
  await turn();
  preparer.drop(ids[0]!);
  await turn();
  expect([signals[0]?.aborted, told, failed]).toEqual([true, [], []]);
});

test('one that cannot be built is told of by itself, with the reason', async () => {
  const { told, failed, ids } = asking(2, {
    envelopeNow: (_job, { id, node }) => {
      if (node === 0) throw new Error('nothing fits');
      return envelope(id);
    },
  });
  await turn();
  expect(failed).toEqual([`${ids[0]}: nothing fits`]);
  expect(told).toEqual([[ids[1]]]);
});

test('the envelope of a task that is not stored yet is the one it is prepared with, and nothing is kept of it', async () => {
  const job = sampleJob('next', [{ hostId: 'h' }, { hostId: 'h' }]);
  const { preparer } = asking(0, { envelopeNow: (_job, { id, node }) => (node === 0 ? envelope(id) : undefined) });
  const [foreseen, ...others] = await preparer.foresee(job, [0, 1]);
  expect([others, preparer.get(foreseen!.attemptId)]).toEqual([[], undefined]);
  preparer.keep(foreseen!);
  preparer.prepare(foreseen!.attemptId, { job, node: 0 });
  await turn();
  expect(preparer.get('next.0/1')).toBe(foreseen);
});

test('one that cannot be built is left for later, when its task can tell why', async () => {
  const refusing = (): never => {
    throw new Error('No such component.');
  };
  const { preparer } = asking(0, { envelopeNow: refusing });
  expect(await preparer.foresee(sampleJob('next', [{ hostId: 'h' }]), [0])).toEqual([]);
});
