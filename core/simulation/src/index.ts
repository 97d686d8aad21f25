export { type Invariant, invariants } from './invariants/index.ts';
export { scenarioOf } from './scenario/generate.ts';
export * from './scenario/scenario.ts';
export { shrink, type Shrunk } from './shrink.ts';
export { type Outcome, simulate } from './simulate.ts';
export type { Violation } from './world/ledger.ts';
