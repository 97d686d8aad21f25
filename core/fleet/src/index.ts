export { FleetError } from './errors.ts';
export type { FakeExecution } from './executor.ts';
export { type Fleet, type FleetOptions, type FleetStats, startFleet } from './fleet.ts';
