export { judge, type Observation, type Verdict } from './judge.ts';
export * from './records.ts';
export { fromExit, toExit } from './results.ts';
export * from './runner.ts';
export * from './state.ts';
export { stepExecutor } from './step.ts';
