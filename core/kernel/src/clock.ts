import { token } from './token.ts';

/** Time as a dependency, so that a test can be the one who tells it. */
export interface Clock {
  /** Wall-clock time; it may jump. */
  now(): Date;
  /** Milliseconds since some fixed moment; it never goes back. For durations and timeouts. */
  monotonicMs(): number;
}
export const Clock = token<Clock>('kernel.Clock');

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
};
