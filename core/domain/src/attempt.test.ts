import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AttemptEvent, type AttemptStatus, type Dispatch, stepAttempt } from './attempt.ts';
import { isTerminal, REASONS } from './states.ts';

const event: fc.Arbitrary<AttemptEvent> = fc.oneof(
  fc.constantFrom<AttemptEvent>(
    { kind: 'issued' },
    { kind: 'accepted' },
    { kind: 'started' },
    { kind: 'result', ok: true },
  ),
  fc.constantFrom(...REASONS).map((reason): AttemptEvent => ({ kind: 'result', ok: false, reason })),
  fc.constantFrom<AttemptEvent>(
    { kind: 'withdrawn', reason: 'DEPENDENCY_FAILED' },
    { kind: 'withdrawn', reason: 'USER_CANCEL' },
  ),
);
const events = fc.array(event, { maxLength: 12 });
const pending: AttemptStatus = { state: 'PENDING' };

/** Every status the attempt goes through, the first one included. */
function history(list: readonly AttemptEvent[]): AttemptStatus[] {
  const seen = [pending];
  for (const one of list) {
    const next = stepAttempt(seen.at(-1)!, one);
    if (next) seen.push(next);
  }
  return seen;
}

test('an attempt is issued, accepted, started and done', () => {
  const done = history([{ kind: 'issued' }, { kind: 'accepted' }, { kind: 'started' }, { kind: 'result', ok: true }]);
  expect(done.map(({ state, dispatch }) => `${state} ${dispatch ?? ''}`.trim())).toEqual([
    'PENDING',
    'RUNNING SENT',
    'RUNNING ACCEPTED',
    'RUNNING STARTED',
    'SUCCESSFUL STARTED',
  ]);
});

test('a terminal attempt never changes again', () => {
  fc.assert(
    fc.property(events, event, (list, late) => {
      const last = history(list).at(-1)!;
      fc.pre(isTerminal(last.state));
      expect(stepAttempt(last, late)).toBeUndefined();
    }),
  );
});

test('a message that arrives twice changes nothing the second time', () => {
  fc.assert(
    fc.property(events, event, (list, repeated) => {
      const once = history([...list, repeated]).at(-1)!;
      expect(stepAttempt(once, repeated)).toBeUndefined();
    }),
  );
});

test('an attempt only moves forward, whatever order messages arrive in', () => {
  const stages: Record<string, number> = { PENDING: 0, RUNNING: 1, SUCCESSFUL: 2, FAILED: 2, CANCELED: 2 };
  const steps: Record<Dispatch, number> = { SENT: 0, ACCEPTED: 1, STARTED: 2 };
  fc.assert(
    fc.property(events, (list) => {
      const ranks = history(list).map(
        ({ state, dispatch }) => stages[state]! * 10 + (state === 'RUNNING' ? steps[dispatch!] : 0),
      );
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
      expect(new Set(ranks).size).toBe(ranks.length);
    }),
  );
});

test('the first result decides, also when nothing was heard of the start', () => {
  fc.assert(
    fc.property(events, (list) => {
      const heard = list.filter(({ kind }) => kind !== 'withdrawn');
      const first = heard.find((one) => one.kind === 'result');
      const last = history(heard).at(-1)!;
      if (!first) expect(isTerminal(last.state)).toBe(false);
      else if (first.ok) expect(last).toEqual({ state: 'SUCCESSFUL', dispatch: 'STARTED' });
      else if (first.reason === 'KILLED') expect(last).toMatchObject({ state: 'CANCELED', reason: 'USER_CANCEL' });
      else expect(last).toMatchObject({ state: 'FAILED', reason: first.reason });
    }),
  );
});

test('a script that was killed without anybody asking for it has failed', () => {
  const running: AttemptStatus = { state: 'RUNNING', dispatch: 'STARTED' };
  const killed: AttemptEvent = { kind: 'result', ok: false, reason: 'KILLED', canceled: false };
  expect(stepAttempt(running, killed)).toEqual({ state: 'FAILED', dispatch: 'STARTED', reason: 'KILLED' });
});

test('an issued attempt stays RUNNING until its result: only one that nobody was sent is withdrawn', () => {
  const withdrawn: AttemptEvent = { kind: 'withdrawn', reason: 'USER_CANCEL' };
  expect(stepAttempt(pending, withdrawn)).toEqual({ state: 'CANCELED', reason: 'USER_CANCEL' });
  expect(stepAttempt({ state: 'RUNNING', dispatch: 'SENT' }, withdrawn)).toBeUndefined();
});

test('an attempt says why it did not succeed, and only then', () => {
  fc.assert(
    fc.property(events, (list) => {
      const { state, reason } = history(list).at(-1)!;
      expect(reason !== undefined).toBe(state === 'FAILED' || state === 'CANCELED');
    }),
  );
});
