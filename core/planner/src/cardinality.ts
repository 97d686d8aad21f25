/** How many host components a component may have; `all` is one on every host of the cluster. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly all: boolean;
}

/** Reads '1', '1+', '0-1', '3-5' or 'all'. The manifest's schema allows nothing else. */
export function boundsOf(cardinality: string): Bounds {
  if (cardinality === 'all') return { min: 0, max: Infinity, all: true };
  if (cardinality.endsWith('+')) return { min: Number(cardinality.slice(0, -1)), max: Infinity, all: false };
  const [min = 0, max = min] = cardinality.split('-').map(Number);
  return { min, max, all: false };
}

/** `exactly 1`, `at least 3`, `3 to 5`: the end of a sentence that starts with "needs". */
export function describeBounds({ min, max }: Bounds): string {
  if (min === max) return `exactly ${min}`;
  if (max === Infinity) return `at least ${min}`;
  return min === 0 ? `at most ${max}` : `${min} to ${max}`;
}
