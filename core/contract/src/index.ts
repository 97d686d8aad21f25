export * from './clusters.ts';
export * from './egress.ts';
export * from './events.ts';
export * from './joining.ts';
export * from './principal.ts';
export * from './records.ts';
export * from './route.ts';
export * from './stats.ts';
