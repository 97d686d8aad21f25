export * from './principal.ts';
export * from './route.ts';
export * from './stats.ts';
