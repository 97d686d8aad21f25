export * from './command.ts';
export * from './plan.ts';
export * from './state.ts';
