import { isTerminal } from '@stackyard/domain';
import { GraphBuilder } from '@stackyard/planner';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSchedulerState } from './state.ts';
import { stepScheduler } from './step.ts';
import { hosts, Model, type ModelJob } from './testing.ts';

const jobShape = fc.record({
  cluster: fc.constantFrom('c0', 'c1'),
  tasks: fc.array(
    fc.record({
      host: fc.constantFrom(...hosts),
      idempotent: fc.boolean(),
      before: fc.array(fc.nat(20), { maxLength: 3 }),
    }),
    { maxLength: 8 },
  ),
  barrier: fc.boolean(),
});

function jobOf(
  { cluster, tasks, barrier }: typeof jobShape extends fc.Arbitrary<infer T> ? T : never,
  index: number,
): ModelJob {
  const builder = new GraphBuilder();
  tasks.forEach(() => builder.addTask());
  tasks.forEach(({ before }, task) => {
    if (task === 0) return;
    for (const pick of before) builder.edge(pick % task, task);
  });
  const half = Math.floor(tasks.length / 2);
  if (barrier && half > 0) {
    const join = builder.addJoin();
    for (let task = 0; task < half; task++) builder.edge(task, join);
    for (let task = half; task < tasks.length; task++) builder.edge(join, task);
  }
  return {
    id: `j${index}`,
    clusterId: cluster,
    position: index + 1,
    graph: builder.toGraph(),
    tasks: tasks.map(({ host, idempotent }) => ({
      hostId: host,
      idempotent,
      attempts: [{ state: 'PENDING', reason: undefined }],
    })),
    cancelRequested: false,
    state: 'PENDING',
  };
}

const action = fc.record({ what: fc.nat(11), which: fc.nat(50) });

function act(model: Model, { what, which }: { what: number; which: number }): void {
  const of = <T>(list: readonly T[]): T | undefined => list[which % Math.max(1, list.length)];
  const index = which % Math.max(1, model.running.length);
  const hostId = hosts[which % hosts.length]!;
  if (what <= 1) return model.load(model.toLoad.shift() ?? of([...model.jobs.keys()])!);
  if (what <= 3) {
    const prepared = model.toPrepare.shift();
    return prepared && model.do({ ...prepared, kind: 'prepared' });
  }
  if (what <= 6) return model.end(index, 'SUCCESSFUL');
  if (what === 7) return model.end(index, 'FAILED', of(['EXIT_NONZERO', 'LOST', 'HOST_REBOOTED'] as const));
  if (what === 8) {
    model.up.add(hostId);
    return model.do({ kind: 'hostUp', hostId });
  }
  if (what === 9) {
    model.up.delete(hostId);
    model.do({ kind: 'hostDown', hostId });
    return which % 5 === 0 ? model.do({ kind: 'hostLost', hostId }) : undefined;
  }
  if (what === 10 && which % 4 === 0) {
    const job = of([...model.jobs.values()]);
    if (!job || isTerminal(job.state)) return;
    job.cancelRequested = true;
    return model.do({ kind: 'cancel', jobId: job.id });
  }
  if (what === 11 && which % 3 === 0) model.crash();
}

/** Everybody is back and nothing goes wrong any more. */
function heal(model: Model): void {
  for (const hostId of hosts) {
    model.up.add(hostId);
    model.do({ kind: 'hostUp', hostId });
  }
  for (let turns = 0; turns < 1000; turns++) {
    if (model.toLoad.length > 0) model.load(model.toLoad.shift()!);
    else if (model.toPrepare.length > 0) model.do({ ...model.toPrepare.shift()!, kind: 'prepared' });
    else if (model.running[0]?.stopped) model.end(0, 'CANCELED', 'USER_CANCEL');
    else if (model.running.length > 0) model.end(0, 'SUCCESSFUL');
    else return;
  }
}

test('random jobs, results, cancels, lost hosts and crashes: order is kept, and every task ends', () => {
  fc.assert(
    fc.property(
      fc.array(jobShape, { minLength: 1, maxLength: 5 }),
      fc.array(action, { maxLength: 120 }),
      (shapes, actions) => {
        const model = new Model();
        shapes.forEach((shape, index) => model.add(jobOf(shape, index)));
        for (const each of actions) act(model, each);
        heal(model);
        for (const job of model.jobs.values()) {
          expect(isTerminal(job.state)).toBe(true);
          for (const { attempts } of job.tasks) expect(attempts.every(({ state }) => isTerminal(state))).toBe(true);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test('a job that is retried when its old place has just been read runs behind those that came meanwhile', () => {
  const state = createSchedulerState(1);
  const queued = (jobId: string, position: number) =>
    stepScheduler(state, { kind: 'queued', jobId, clusterId: 'c', position });
  expect(queued('running', 1)).toEqual([{ kind: 'load', jobId: 'running' }]);
  expect([...queued('retried', 2), ...queued('newer', 3), ...queued('retried', 4)]).toEqual([]);
  expect(stepScheduler(state, { kind: 'gone', jobId: 'running' })).toEqual([{ kind: 'load', jobId: 'newer' }]);
  expect(stepScheduler(state, { kind: 'gone', jobId: 'newer' })).toEqual([{ kind: 'load', jobId: 'retried' }]);
  // Also when its turn was just about to come.
  expect(queued('last', 5)).toEqual([]);
  expect(queued('retried', 6)).toEqual([{ kind: 'load', jobId: 'last' }]);
});
