export * from './define/host.ts';
export type { Instance, Self } from './manifest/inputs.ts';
export type { Json } from './manifest/expression.ts';
