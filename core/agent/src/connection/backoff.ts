export const MIN_MS = 200;
export const MAX_MS = 10_000;
const LEAST_MAX_MS = 2_000;
const MOST_MAX_MS = 30_000;

/**
 * How long to wait before try number `tries` (from 0): full jitter over a doubling time, so that a thousand agents that
 * lost the same server do not come back together. `random` is in [0, 1).
 */
export function backoffMs(tries: number, random: number, maxMs = MAX_MS): number {
  return Math.round(random * Math.min(maxMs, MIN_MS * 2 ** tries));
}

/**
 * The longest wait of an agent that beats so often. The server tells a large fleet to beat less often, 200 times a second
 * in all; by the same measure its agents spread over a longer time when all of them come back: two fifths of that interval
 * bring 500 a second, which is about what a server has handshakes for, however many they are.
 */
export function longestWaitMs(heartbeatMs: number): number {
  return Math.min(MOST_MAX_MS, Math.max(LEAST_MAX_MS, heartbeatMs * 0.4));
}
