export { describeStack, type DescribeOptions } from './describeStack.ts';
export { ImpossibleScenarioError } from './errors.ts';
export { expectGolden, type GoldenOptions } from './golden.ts';
export {
  type AnswerPlace,
  type SimulatedAction,
  type SimulatedResult,
  simulate,
  Simulation,
  type SimulationOptions,
} from './simulate.ts';
