/** What is remembered of an attempt that is over: the hash of its envelope, empty when its command never came. */
export interface Tombstone {
  readonly hash: string;
  /** It is on its way to the disk: nothing may be said of it before it is there. */
  readonly pending?: boolean;
}

/**
 * A persistent map that only grows: layers of doubling size, newest last, so that adding costs amortised O(log n) and
 * an older version of the state stays valid.
 */
export type Tombstones = readonly ReadonlyMap<string, Tombstone>[];

export const LIMIT = 100_000;

export function findTombstone(tombstones: Tombstones, id: string): Tombstone | undefined {
  for (let index = tombstones.length - 1; index >= 0; index--) {
    const found = tombstones[index]?.get(id);
    if (found) return found;
  }
  return undefined;
}

export function addTombstone(tombstones: Tombstones, id: string, tombstone: Tombstone): Tombstones {
  const layers = [...tombstones];
  let top: ReadonlyMap<string, Tombstone> = new Map([[id, tombstone]]);
  for (let below = layers.at(-1); below && below.size <= top.size; below = layers.at(-1)) {
    top = new Map([...below, ...top]);
    layers.pop();
  }
  layers.push(top);
  // The oldest layer is at least half of all: dropping it keeps the newest fifty thousand and more.
  return countTombstones(layers) > LIMIT * 2 ? layers.slice(1) : layers;
}

export function countTombstones(tombstones: Tombstones): number {
  return tombstones.reduce((sum, layer) => sum + layer.size, 0);
}
