import type { Facts, Observation } from '../world/ledger.ts';

/** Looks at everything that really happens in one run; says what breaks the invariant. */
export type Checker = (observation: Observation, facts: Facts) => string | undefined;

export interface Invariant {
  readonly name: string;
  /** What always holds. */
  readonly sentence: string;
  readonly checker: () => Checker;
}

export function taskOf(attemptId: string): string {
  return attemptId.slice(0, attemptId.lastIndexOf('/'));
}
