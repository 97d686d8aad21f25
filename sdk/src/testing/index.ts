export { describeStack } from './describeStack.ts';
export { ImpossibleScenarioError } from './errors.ts';
export { type SimulatedResult, simulate, Simulation, type SimulationOptions } from './simulate.ts';
