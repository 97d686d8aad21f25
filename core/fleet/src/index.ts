export { FleetError } from './errors.ts';
export type { Duration, Failure, FakeExecution, Mishap } from './executor.ts';
export { type Fleet, type FleetOptions, type FleetStats, startFleet } from './fleet.ts';
export { SIMULATED_OS } from './host.ts';
export { type Random, randomOf } from './random.ts';
