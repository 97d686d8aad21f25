export * from './define/index.ts';
export type { Json } from './manifest/expression.ts';
export type { Instance, Self } from './manifest/inputs.ts';
