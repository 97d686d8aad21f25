import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { jobState, noTasks, type TaskCounts } from './job.ts';
import { isTerminal, STATES } from './states.ts';

const few = fc.nat(3);
const counts: fc.Arbitrary<TaskCounts> = fc.record({
  PENDING: few,
  RUNNING: few,
  SUCCESSFUL: few,
  FAILED: few,
  CANCELED: few,
});

test('a job is terminal exactly when none of its tasks runs or waits', () => {
  fc.assert(
    fc.property(counts, (tasks) => {
      expect(isTerminal(jobState(tasks))).toBe(tasks.PENDING + tasks.RUNNING === 0);
    }),
  );
});

test('a finished job is FAILED by any failed task, else CANCELED by any canceled one', () => {
  fc.assert(
    fc.property(counts, (drawn) => {
      const tasks = { ...drawn, PENDING: 0, RUNNING: 0 };
      expect(jobState(tasks)).toBe(tasks.FAILED > 0 ? 'FAILED' : tasks.CANCELED > 0 ? 'CANCELED' : 'SUCCESSFUL');
    }),
  );
});

test('a job runs from its first task to its last', () => {
  expect(jobState({ ...noTasks, PENDING: 3 })).toBe('PENDING');
  expect(jobState({ ...noTasks, PENDING: 2, RUNNING: 1 })).toBe('RUNNING');
  expect(jobState({ ...noTasks, PENDING: 2, SUCCESSFUL: 1 })).toBe('RUNNING');
  expect(jobState({ ...noTasks, SUCCESSFUL: 3 })).toBe('SUCCESSFUL');
});

test('a job whose tasks are all in one state is in that state, and one without tasks is done', () => {
  for (const state of STATES) expect(jobState({ ...noTasks, [state]: 2 })).toBe(state);
  expect(jobState(noTasks)).toBe('SUCCESSFUL');
});
