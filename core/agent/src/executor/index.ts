export * from './records.ts';
export * from './runner.ts';
export * from './state.ts';
