import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EventPayload } from '../ports.ts';
import type { NumberedEvent } from './events.ts';
import { runsOf } from './runs.ts';

const at = new Date(0);
const eventOf = (id: number, payload: object, { topic = 'task' as const, clusterId = 'c' } = {}): NumberedEvent => ({
  id,
  topic,
  clusterId,
  payload: payload as EventPayload,
  at,
});

test('what all payloads of a run say alike is said once, and lists and objects stay where they are', () => {
  const counts = { PENDING: 1 };
  const events = [
    eventOf(1, { kind: 'job', state: 'RUNNING', counts, n: 1, reason: 'LOST' }),
    eventOf(2, { kind: 'job', state: 'RUNNING', counts, n: 2 }),
  ];
  expect(runsOf(events)).toEqual([
    {
      id: 2,
      firstId: 1,
      topic: 'task',
      clusterId: 'c',
      at,
      common: { kind: 'job', state: 'RUNNING' },
      payloads: [
        { counts, n: 1, reason: 'LOST' },
        { counts, n: 2 },
      ],
    },
  ]);
});

test('an event by itself has nothing in common with others', () => {
  expect(runsOf([eventOf(7, { kind: 'job' })])).toMatchObject([{ common: null, payloads: [{ kind: 'job' }] }]);
});

test('whatever events a commit has, their runs say the same, in their order', () => {
  const payload = fc.dictionary(
    fc.constantFrom('a', 'b', 'c', 'd'),
    fc.constantFrom(1, '1', true, null, [1], undefined),
  );
  const one = fc.record({ payload, clusterId: fc.constantFrom('c', 'd'), repeated: fc.integer({ min: 1, max: 150 }) });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 5 }), (kinds) => {
      const events = kinds
        .flatMap(({ repeated, ...event }) => Array.from({ length: repeated }, () => event))
        .map((event, index) => eventOf(index + 1, event.payload, { clusterId: event.clusterId }));
      const read = runsOf(events).flatMap(({ id, firstId, clusterId, common, payloads }) => {
        expect([payloads.length, payloads.length <= 100]).toEqual([id - firstId + 1, true]);
        return payloads.map((rest, index) =>
          eventOf(firstId + index, { ...common, ...rest }, { clusterId: clusterId! }),
        );
      });
      expect(read).toEqual(events);
    }),
  );
});
