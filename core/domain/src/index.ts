export * from './attempt.ts';
export * from './hostComponent.ts';
export * from './job.ts';
export * from './peers.ts';
export * from './states.ts';
export * from './vocabulary.ts';
