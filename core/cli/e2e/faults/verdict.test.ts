import { expect, test } from 'vitest';
import type { Entry } from './ledger.ts';
import { type AttemptSeen, type Evidence, judge } from './verdict.ts';

/** Two tasks, the second after the first; the first was lost once, because its runner was killed. */
const honest: Evidence = {
  ledger: [
    line('r1', 'begin', 10),
    line('r2', 'begin', 50),
    line('r2', 'child'),
    line('r2', 'end', 60),
    line('r3', 'begin', 70),
    line('r3', 'end', 80),
  ],
  starts: [start('r1', 'a/1'), start('r2', 'a/2'), start('r3', 'b/1')],
  killed: new Set(['r1']),
  jobs: [
    {
      id: 'job',
      state: 'SUCCESSFUL',
      tasks: [task('a', 0), task('b', 1)],
      attempts: [attempt('a', 1, 'FAILED', 'LOST'), attempt('a', 2), attempt('b', 1)],
      // Through a node that is no task.
      edges: [
        [0, 2],
        [2, 1],
      ],
    },
  ],
  asked: { jobs: 1, onServer: 1 },
  components: { before: ['7 since 1'], after: ['7 since 1'] },
  crashes: [],
};

test('an honest run breaks no rule', () => {
  expect(breachesOf({})).toEqual([]);
});

const doctored: Readonly<Record<string, { readonly with: Partial<Evidence>; readonly breaks: string }>> = {
  'a second begin of the same attempt': {
    with: { ledger: [...honest.ledger, line('r3', 'begin', 90)] },
    breaks: 'Attempt b/1 began 2 times.',
  },
  'an attempt that two runners were given': {
    with: { starts: [...honest.starts, start('r4', 'b/1')] },
    breaks: 'Attempt b/1 was given to 2 runners.',
  },
  'a missing end': { with: { ledger: honest.ledger.slice(0, -1) }, breaks: 'Attempt b/1 has 1 begins and 0 ends.' },
  'no line at all of a successful attempt': {
    with: { ledger: honest.ledger.slice(0, 4) },
    breaks: 'Attempt b/1 has 0 begins and 0 ends.',
  },
  'a line of a runner that no journal names': {
    with: { ledger: [...honest.ledger, line('r9', 'begin', 90)] },
    breaks: 'Runner r9 wrote "begin" on h1, but no journal names it.',
  },
  'a line of an attempt that the server does not know': {
    with: { ledger: [...honest.ledger, line('r9', 'begin', 90)], starts: [...honest.starts, start('r9', 'c/1')] },
    breaks: 'Attempt c/1 wrote "begin" on h1; the server does not know it.',
  },
  'a child of the killed attempt that wrote after the next had begun': {
    with: { ledger: honest.ledger.toSpliced(2, 0, line('r1', 'child')) },
    breaks: 'Attempt 1 of task a wrote "child" on h1 after 2 had begun.',
  },
  'a successor that began before the end of its predecessor': {
    with: { ledger: honest.ledger.with(4, line('r3', 'begin', 55)) },
    breaks: 'Task b (check) began before a (check) had ended.',
  },
  'a lost attempt whose runner nobody killed': {
    with: { killed: new Set() },
    breaks: 'Attempt a/1 is LOST, but its runner r1 was not killed.',
  },
  'a lost attempt that no runner was given': {
    with: { starts: honest.starts.slice(1), ledger: honest.ledger.slice(1) },
    breaks: 'Attempt a/1 is LOST, but was never given to a runner.',
  },
  'an attempt that failed for another reason': {
    with: { jobs: jobWith({ attempts: [attempt('a', 1, 'FAILED', 'TIMEOUT'), attempt('a', 2), attempt('b', 1)] }) },
    breaks: 'Attempt a/1 failed for TIMEOUT.',
  },
  'a canceled attempt with an effect': {
    with: { jobs: jobWith({ attempts: [attempt('a', 1, 'CANCELED'), attempt('a', 2), attempt('b', 1)] }) },
    breaks: 'Attempt a/1 is CANCELED, but has begun.',
  },
  'a task that never ended': {
    with: { jobs: jobWith({ tasks: [task('a', 0), { ...task('b', 1), state: 'RUNNING' }] }) },
    breaks: 'Task b (check) is still RUNNING.',
  },
  'a job that never ended': { with: { jobs: jobWith({ state: 'RUNNING' }) }, breaks: 'Job job is still RUNNING.' },
  'a job that exists twice': {
    with: { asked: { jobs: 1, onServer: 2 } },
    breaks: '1 jobs were asked for, and the server has 2.',
  },
  'a component that was started anew': {
    with: { components: { before: ['7 since 1'], after: ['9 since 5'] } },
    breaks: 'Process 7 since 1 of a component is gone.',
  },
  'a world without components': {
    with: { components: { before: [], after: [] } },
    breaks: 'No component ran to begin with.',
  },
  'a server that ended by itself': {
    with: { crashes: ['The server ended with code 1.'] },
    breaks: 'The server ended with code 1.',
  },
};

test.each(Object.entries(doctored))('%s is caught', (_name, { with: changed, breaks }) => {
  expect(breachesOf(changed)).toContain(breaks);
});

function breachesOf(changed: Partial<Evidence>): string[] {
  return judge({ ...honest, ...changed }).flatMap(({ breaches }) => breaches);
}

function jobWith(changed: Partial<Evidence['jobs'][number]>): Evidence['jobs'] {
  return [{ ...honest.jobs[0]!, ...changed }];
}

function line(cookie: string, what: Entry['what'], atUs?: number): Entry {
  return { host: 'h1', cookie, what, ...(atUs === undefined ? {} : { atUs }) };
}

function start(cookie: string, attemptName: string) {
  return { host: 'h1', cookie, attempt: attemptName };
}

function task(id: string, index: number) {
  return { id, index, host: 'h1', name: 'check', state: 'SUCCESSFUL' };
}

function attempt(taskId: string, number: number, state = 'SUCCESSFUL', reason: string | null = null): AttemptSeen {
  return { taskId, number, state, reason };
}
