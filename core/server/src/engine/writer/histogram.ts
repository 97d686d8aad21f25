/** Counts of durations by upper bound in milliseconds; the last count is of what lies above all bounds. */
export interface Histogram {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

const BOUNDS_MS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000];

export function createHistogram(): { observe(ms: number): void; read(): Histogram } {
  const counts = Array.from({ length: BOUNDS_MS.length + 1 }, () => 0);
  let sum = 0;
  let count = 0;
  return {
    observe(ms) {
      const bucket = BOUNDS_MS.findIndex((bound) => ms <= bound);
      const index = bucket < 0 ? BOUNDS_MS.length : bucket;
      counts[index] = (counts[index] ?? 0) + 1;
      sum += ms;
      count += 1;
    },
    read: () => ({ bounds: BOUNDS_MS, counts: [...counts], sum, count }),
  };
}
