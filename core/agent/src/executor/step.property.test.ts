import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AttemptRef } from '../session/messages.ts';
import { TestHost } from './testHost.ts';

const refs: readonly AttemptRef[] = ['a', 'b', 'c'].map((taskId) => ({ taskId, number: 1 }));
const ref = fc.constantFrom(...refs);
const pick = fc.nat(5);
const bits = fc.array(fc.boolean(), { minLength: 1, maxLength: 6 });

const turn = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('journal' as const), ref, early: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('start' as const), ref, inTime: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), ref }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('acknowledge' as const), ref }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('work' as const), pick }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('runner' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('killRunner' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('killAgent' as const), bits }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reboot' as const), bits }) },
);
type Turn = typeof turn extends fc.Arbitrary<infer T> ? T : never;

function play(host: TestHost, step: Turn): void {
  switch (step.do) {
    case 'journal':
      return host.journal(step.ref, step.early);
    case 'start':
      return host.start(step.ref, step.inTime);
    case 'cancel':
      return host.cancel(step.ref);
    case 'acknowledge':
      return host.acknowledge(step.ref);
    case 'work':
      return void host.work(step.pick);
    case 'runner':
      return void host.runnerWorks(step.pick);
    case 'killRunner':
      return host.killRunner(step.pick);
    case 'killAgent':
      return host.killAgent(step.bits);
    case 'reboot':
      return host.reboot(step.bits);
  }
}

test('whatever dies when, nothing starts twice or after its result, no result changes or comes early, and all end', () => {
  fc.assert(
    fc.property(fc.array(turn, { minLength: 20, maxLength: 120, size: 'max' }), (turns) => {
      const host = new TestHost();
      for (const step of turns) play(host, step);
      host.heal(refs);
      expect({ violations: host.violations, unfinished: host.unfinished }).toEqual({ violations: [], unfinished: [] });
    }),
    { numRuns: 2_000 },
  );
});
