import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Broker, movesTo, planOf } from './moves.ts';
import type { Partition } from './tools.ts';

const onRacks = (...racks: (string | null)[]): Broker[] => racks.map((rack, index) => ({ id: index + 1, rack }));
const topic = (...copies: number[][]): Partition[] =>
  copies.map((replicas, partition) => ({
    topic: 't',
    partition,
    leader: replicas[0],
    replicas,
    inSync: replicas,
    removing: [],
  }));
const told = (moves: ReturnType<typeof movesTo>) => moves.map(({ partition, to }) => `${partition}: ${to.join()}`);

test('only the copies of who leaves move, each in its own place, to who has the fewest', () => {
  const [, two, three, four] = onRacks(null, null, null, null);
  expect(told(movesTo([two!, three!, four!], topic([1, 2], [2, 3], [3, 1])))).toEqual(['0: 4,2', '2: 3,4']);
});

test('a copy goes to a rack that its partition is not on yet, and to another one only where there is none', () => {
  const staying = [
    { id: 2, rack: 'a' },
    { id: 3, rack: 'a' },
    { id: 4, rack: 'b' },
  ];
  expect(told(movesTo(staying, topic([1, 2], [4, 1])))).toEqual(['0: 4,2', '1: 4,3']);
});

test('where too few brokers stay it is said which topic has more copies than that', () => {
  expect(() => movesTo(onRacks(null, null), topic([1, 2, 3]))).toThrow(
    't has 3 copies of each partition, and only 2 brokers would stay.',
  );
});

test('what is on its way out already does not count as a copy', () => {
  const [only] = topic([1, 2, 3]);
  expect(movesTo(onRacks(null, null, null), [{ ...only!, removing: [1] }])).toEqual([]);
});

test('after evening out no broker has two copies more than another, on racks no fewer, and nothing is lost', () => {
  const anyCluster = fc.integer({ min: 2, max: 6 }).chain((size) =>
    fc.record({
      size: fc.constant(size),
      copies: fc.array(fc.uniqueArray(fc.integer({ min: 1, max: size }), { minLength: 1, maxLength: size }), {
        maxLength: 12,
      }),
    }),
  );
  fc.assert(
    fc.property(anyCluster, ({ size, copies }) => {
      const brokers = onRacks(...Array.from({ length: size }, () => null));
      const moves = new Map(
        movesTo(brokers, topic(...copies), { even: true }).map((move) => [move.partition, move.to]),
      );
      const after = copies.map((replicas, partition) => moves.get(partition) ?? replicas);
      const load = brokers.map(({ id }) => after.filter((replicas) => replicas.includes(id)).length);
      expect(Math.max(...load) - Math.min(...load)).toBeLessThan(2);
      for (const [index, replicas] of after.entries()) expect(new Set(replicas).size).toBe(copies[index]!.length);
    }),
  );
});

test('a plan is written as the tool reads it', () => {
  expect(JSON.parse(planOf([{ topic: 't', partition: 1, to: [2, 3] }]))).toEqual({
    version: 1,
    partitions: [{ topic: 't', partition: 1, replicas: [2, 3] }],
  });
});
