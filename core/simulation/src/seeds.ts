import { scenarioOf } from './scenario/generate.ts';
import { simulate } from './simulate.ts';
import type { Violation } from './world/ledger.ts';

export interface Failure {
  readonly seed: number;
  readonly violation: Violation;
}

/** The first of these seeds that breaks an invariant. */
export function firstFailure(seeds: Iterable<number>): Failure | undefined {
  for (const seed of seeds) {
    const { violation } = simulate(scenarioOf(seed));
    if (violation) return { seed, violation };
  }
  return undefined;
}
