export * from './attempts.ts';
export { isLive, MARGIN_MS, startUntil } from './lease.ts';
export * from './messages.ts';
export * from './restore.ts';
export * from './state.ts';
export * from './driver.ts';
export { step } from './step.ts';
