import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attemptId } from './attempts.ts';
import type { Happening } from './driver.ts';
import type { AttemptRef, ServerSays } from './messages.ts';
import type { Effect } from './state.ts';
import { Conversation, done, order, welcome } from './testing.ts';
import { addTombstone, countTombstones, findTombstone, type Tombstones } from './tombstones.ts';

const refs: readonly AttemptRef[] = ['a', 'b'].flatMap((taskId) => [1, 2].map((number) => ({ taskId, number })));
const ref = fc.constantFrom(...refs);

/** What the network may do: say anything again, at any time, on a new stream. */
const turn = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('dispatch' as const), ref }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), ref }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('ack' as const), ref }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('recall' as const), ref }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('disk' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reconnect' as const), epoch: fc.integer({ min: 5, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 40_000 }) }) },
);

interface World {
  readonly agent: Conversation;
  /** Answers of disk and runners that are still on their way. */
  readonly due: Happening[];
  readonly starts: Map<string, number>;
  readonly buried: Set<string>;
  readonly running: Set<string>;
  readonly settled: Set<string>;
  epoch: number;
  sessionNo: number;
}

function carryOut(world: World, effects: readonly Effect[]): void {
  for (const effect of effects) {
    switch (effect.kind) {
      case 'journal':
        world.due.push({ kind: 'journaled', attempt: effect.order.attempt });
        break;
      case 'start': {
        const id = attemptId(effect.attempt);
        world.starts.set(id, (world.starts.get(id) ?? 0) + 1);
        // Never two attempts of one task at a time.
        const others = [...world.running].filter((other) => other.startsWith(`${effect.attempt.taskId}/`));
        expect(others).toEqual([]);
        world.running.add(id);
        world.due.push({ kind: 'started', attempt: effect.attempt, pid: 1 });
        world.due.push({ kind: 'exited', attempt: effect.attempt, result: done });
        break;
      }
      case 'finish':
        world.due.push({ kind: 'exited', attempt: effect.attempt, result: effect.result });
        break;
      case 'bury':
        world.buried.add(attemptId(effect.attempt));
        world.due.push({ kind: 'tombstoned', attempt: effect.attempt });
        break;
      case 'recall': {
        const { attempt } = effect;
        const kept = world.settled.has(attemptId(attempt)) ? { hash: order(attempt).hash, result: done } : undefined;
        world.due.push({ kind: 'recalled', attempt, kept });
        break;
      }
      case 'settle':
        world.settled.add(attemptId(effect.attempt));
        break;
      case 'saveFence':
        // Nothing below what was obeyed before is ever written.
        expect(effect.fence.epoch).toBeGreaterThanOrEqual(world.agent.state.fence.epoch);
        world.due.push({ kind: 'fenceSaved', fence: effect.fence });
        break;
      case 'end':
        expect(world.running.has(attemptId(effect.attempt))).toBe(true);
        break;
      case 'send':
        if (effect.message.kind === 'result') expect(effect.message.hash).toBe(order(effect.message.attempt).hash);
        break;
      case 'close':
      case 'schedule':
      case 'alert':
        break;
    }
  }
}

function play(world: World, step: typeof turn extends fc.Arbitrary<infer T> ? T : never): void {
  const { agent } = world;
  const hear = (message: ServerSays): void => carryOut(world, agent.hear(message));
  switch (step.do) {
    case 'dispatch':
      return hear({ kind: 'dispatch', ...order(step.ref) });
    case 'cancel':
      return hear({ kind: 'cancel', attempt: step.ref, graceMs: 0, cause: 'USER_CANCEL' });
    case 'ack':
      return hear({ kind: 'resultAck', attempt: step.ref });
    case 'recall':
      return hear({ kind: 'recall', attempt: step.ref });
    case 'wait':
      agent.now += step.ms;
      carryOut(world, agent.happen({ kind: 'timer', timer: 'deadline' }));
      return carryOut(world, agent.happen({ kind: 'timer', timer: 'heartbeat' }));
    case 'reconnect':
      world.sessionNo += 1;
      carryOut(world, agent.happen({ kind: 'connected', stream: 1 }));
      return hear({ ...welcome, epoch: step.epoch, sessionNo: world.sessionNo });
    case 'disk': {
      // Disk and runners answer in any order, but an end never comes before its start.
      const candidates = world.due.filter(
        (event, index) =>
          event.kind !== 'exited' ||
          !world.due.slice(0, index).some((before) => before.kind === 'started' && before.attempt === event.attempt),
      );
      const event = candidates[step.pick % Math.max(1, candidates.length)];
      if (!event) return;
      world.due.splice(world.due.indexOf(event), 1);
      if (event.kind === 'exited') world.running.delete(attemptId(event.attempt));
      return carryOut(world, agent.happen(event));
    }
  }
}

test('whatever is repeated, reordered or lost, no attempt starts twice, nor beside another of its task, nor after its burial', () => {
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 120 }), (turns) => {
      const world: World = {
        agent: new Conversation().greeted(),
        due: [],
        starts: new Map(),
        buried: new Set(),
        running: new Set(),
        settled: new Set(),
        epoch: 7,
        sessionNo: 1,
      };
      for (const step of turns) {
        const before = world.agent.state.fence.epoch;
        play(world, step);
        expect(world.agent.state.fence.epoch).toBeGreaterThanOrEqual(before);
        for (const [id, starts] of world.starts) {
          expect(starts).toBe(1);
          expect(world.buried.has(id)).toBe(false);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('every accepted attempt ends: with its result acknowledged nothing is left but a tombstone', () => {
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 60 }), (turns) => {
      const world: World = {
        agent: new Conversation().greeted(),
        due: [],
        starts: new Map(),
        buried: new Set(),
        running: new Set(),
        settled: new Set(),
        epoch: 7,
        sessionNo: 1,
      };
      for (const step of turns) play(world, step);
      // The network heals: a session that lasts, answers to everything, acknowledgements.
      play(world, { do: 'reconnect', epoch: 9 });
      for (let round = 0; round < 200; round += 1) play(world, { do: 'disk', pick: 0 });
      play(world, { do: 'wait', ms: 100_000 });
      for (let round = 0; round < 50; round += 1) play(world, { do: 'disk', pick: 0 });
      for (const attempt of refs) play(world, { do: 'ack', ref: attempt });
      expect([...world.agent.state.attempts.values()]).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('tombstones are found whatever their number, and older versions stay as they were', () => {
  let tombstones: Tombstones = [];
  const versions: Tombstones[] = [];
  for (let index = 0; index < 1_000; index += 1) {
    versions.push(tombstones);
    tombstones = addTombstone(tombstones, `task-${index}`, { hash: String(index) });
  }
  for (let index = 0; index < 1_000; index += 1)
    expect(findTombstone(tombstones, `task-${index}`)?.hash).toBe(String(index));
  expect(versions.map(countTombstones)).toEqual(Array.from({ length: 1_000 }, (_, index) => index));
  expect(tombstones.length).toBeLessThan(12);
});
