export * from '../paths.ts';
export * from './errors.ts';
export * from './evaluate.ts';
