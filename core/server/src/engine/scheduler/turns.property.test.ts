import { equal } from 'node:assert/strict';
import { isTerminal, type Pause, type State } from '@stackyard/domain';
import { GraphBuilder, type TaskGraph, type Turns } from '@stackyard/planner';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSchedulerState, type SchedulerEffect, type SchedulerEvent } from './state.ts';
import { stepScheduler } from './step.ts';

/** Each host component has so many tasks, one after the other. */
const PHASES = 3;

interface Shape {
  readonly members: number;
  readonly batch: number;
  readonly tolerate: number;
  readonly pauseAfterFirst: boolean;
  /** The last task of each host component is one whose failure is not tolerated. */
  readonly firm: boolean;
}

/** A job whose host components take turns, followed by one task that waits for all of them. */
function jobOf({ members, batch, tolerate, pauseAfterFirst, firm }: Shape): {
  graph: TaskGraph;
  turns: Turns;
  last: number;
} {
  const builder = new GraphBuilder();
  const chains = Array.from({ length: members }, () => {
    const chain = Array.from({ length: PHASES }, () => builder.addTask());
    chain.forEach((task, index) => index > 0 && builder.edge(chain[index - 1]!, task));
    return chain;
  });
  const last = builder.addTask();
  const batches: { tasks: number[]; gate: number; pauses: boolean; firm: number[] }[] = [];
  for (let from = 0; from < members; from += batch) {
    const own = chains.slice(from, from + batch);
    const before = batches.at(-1);
    if (before) for (const chain of own) builder.edge(before.gate, chain[0]!);
    const gate = builder.addJoin();
    for (const chain of own) builder.edge(chain.at(-1)!, gate);
    batches.push({
      tasks: own.flat(),
      gate,
      pauses: pauseAfterFirst && from === 0,
      firm: firm ? own.map((chain) => chain.at(-1)!) : [],
    });
  }
  builder.edge(batches.at(-1)!.gate, last);
  const sequence = batches.map((each) => ({ ...each, gate: builder.nodeOf(each.gate) }));
  return { graph: builder.toGraph(), turns: { tolerate, sequences: [sequence] }, last };
}

/** Rows and agents of one job, and a scheduler that may forget everything. */
class Rows {
  readonly states: State[];
  readonly running: number[] = [];
  state: State = 'PENDING';
  pause: Pause | undefined;
  readonly #job: ReturnType<typeof jobOf>;
  #scheduler = createSchedulerState(10);

  constructor(shape: Shape) {
    this.#job = jobOf(shape);
    this.states = Array.from({ length: this.#job.graph.tasks }, () => 'PENDING');
    this.pause = shape.pauseAfterFirst ? 'AHEAD' : undefined;
    this.start();
  }

  /** From the rows alone, as after a crash. */
  start(): void {
    this.#scheduler = createSchedulerState(10);
    this.do({ kind: 'hostUp', hostId: 'h' });
    this.do({ kind: 'queued', jobId: 'j', clusterId: 'c', position: 1 });
  }

  end(index: number, state: 'SUCCESSFUL' | 'FAILED'): void {
    const [task] = this.running.splice(index, 1);
    this.states[task!] = state;
    this.do({
      kind: 'ended',
      jobId: 'j',
      task: task!,
      attempt: 1,
      state,
      reason: state === 'FAILED' ? 'TIMEOUT' : undefined,
    });
  }

  resume(): void {
    this.pause = 'RESUMED';
    this.do({ kind: 'resume', jobId: 'j' });
  }

  do(event: SchedulerEvent): void {
    for (const effect of stepScheduler(this.#scheduler, event)) this.#carryOut(effect);
  }

  #carryOut(effect: SchedulerEffect): void {
    switch (effect.kind) {
      case 'load':
        return this.do({
          kind: 'loaded',
          held: [],
          job: {
            id: 'j',
            clusterId: 'c',
            cancelRequested: false,
            started: this.state !== 'PENDING',
            ...this.#job,
            pause: this.pause,
            tasks: this.states.map((state) => ({
              hostId: 'h',
              idempotent: true,
              state,
              attempt: 1,
              lostBefore: false,
            })),
          },
        });
      case 'prepare':
        return this.do({ kind: 'prepared', jobId: 'j', task: effect.task, attempt: 1 });
      case 'issue':
        this.running.push(effect.task);
        this.states[effect.task] = 'RUNNING';
        return;
      case 'stop':
      case 'abandon':
      case 'renew':
      case 'release':
        return;
      case 'withdraw':
        equal(this.states[effect.task], 'PENDING');
        this.states[effect.task] = effect.state;
        return;
      case 'job':
        this.state = effect.state;
        this.pause = effect.pause;
        return;
    }
  }
}

/** What has to become of each task: a batch runs to its end, the next one while not too many have failed. */
function expected({ members, batch, tolerate, firm }: Shape, failing: ReadonlyMap<number, number>): State[] {
  const states: State[] = [];
  let failed = 0;
  let closed = false;
  const goesOn = (): boolean => !closed && failed <= tolerate;
  for (let from = 0; from < members; from += batch) {
    const runs = goesOn();
    for (let member = from; member < Math.min(members, from + batch); member++) {
      const at = failing.get(member);
      for (let phase = 0; phase < PHASES; phase++) {
        if (!runs || (at !== undefined && phase > at)) states.push('CANCELED');
        else states.push(phase === at ? 'FAILED' : 'SUCCESSFUL');
      }
      if (runs && at !== undefined) failed += 1;
      if (runs && firm && at === PHASES - 1) closed = true;
    }
  }
  return [...states, goesOn() ? 'SUCCESSFUL' : 'CANCELED'];
}

const anyShape = fc.record({
  members: fc.integer({ min: 1, max: 7 }),
  batch: fc.integer({ min: 1, max: 4 }),
  tolerate: fc.nat(3),
  pauseAfterFirst: fc.boolean(),
  firm: fc.boolean(),
});
const anyFailures = fc
  .array(fc.tuple(fc.nat(6), fc.nat(PHASES - 1)), { maxLength: 4 })
  .map((drawn): ReadonlyMap<number, number> => new Map(drawn));

test('batches go on while no more have failed than is tolerated, and nothing that is not, whatever the order and however often the server ends', () => {
  fc.assert(
    fc.property(anyShape, anyFailures, fc.infiniteStream(fc.nat(99)), (shape, drawn, luck) => {
      const failing = new Map([...drawn].filter(([member]) => member < shape.members));
      const rows = new Rows(shape);
      for (const draw of luck) {
        if (isTerminal(rows.state)) break;
        if (draw % 7 === 0) rows.start();
        if (rows.running.length === 0) {
          expect(rows.pause).toBe('PAUSED');
          // Nothing of the second batch has begun.
          const first = Math.min(shape.batch, shape.members) * PHASES;
          expect(rows.states.slice(first).every((state) => state === 'PENDING')).toBe(true);
          rows.resume();
          continue;
        }
        const index = draw % rows.running.length;
        const task = rows.running[index]!;
        rows.end(index, failing.get(Math.floor(task / PHASES)) === task % PHASES ? 'FAILED' : 'SUCCESSFUL');
      }
      expect(rows.states).toEqual(expected(shape, failing));
    }),
    { numRuns: 2000 },
  );
});

test('a job that waits after its first batch can be canceled', () => {
  const rows = new Rows({ members: 3, batch: 1, tolerate: 0, pauseAfterFirst: true, firm: false });
  for (let task = 0; task < PHASES; task++) rows.end(0, 'SUCCESSFUL');
  expect([rows.state, rows.pause, rows.running]).toEqual(['RUNNING', 'PAUSED', []]);
  rows.do({ kind: 'cancel', jobId: 'j' });
  expect(rows.state).toBe('CANCELED');
  expect(rows.states.slice(PHASES).every((state) => state === 'CANCELED')).toBe(true);
});
