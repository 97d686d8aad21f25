export { Attempts, type AttemptsOptions } from './attempts.ts';
export { linkOnce, syncDirectory, writeDurably } from './durable.ts';
export {
  type Accepted,
  type AttemptPhase,
  type AttemptRef,
  attemptId,
  type Decision,
  type ExitRecord,
  monotonicMs,
} from './entry.ts';
export { AttemptKnownError, AttemptUnknownError, InvalidAttemptError, SpoolError, SpoolFullError } from './errors.ts';
export type { Job, JobContext, JobFunction } from './job.ts';
export { RunnerPool, type RunnerPoolOptions } from './runnerPool.ts';
export type { Quarantined } from './load.ts';
export { Spool, type SpoolOptions } from './spool.ts';
export type { Tombstone } from './tombstones.ts';
