export const MIN_MS = 200;
export const MAX_MS = 10_000;

/**
 * How long to wait before try number `tries` (from 0): full jitter over a doubling time, so that a thousand agents that
 * lost the same server do not come back together. `random` is in [0, 1).
 */
export function backoffMs(tries: number, random: number): number {
  return Math.round(random * Math.min(MAX_MS, MIN_MS * 2 ** tries));
}
