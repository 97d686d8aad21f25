import type { Partition } from './tools.ts';

export interface Broker {
  readonly id: number;
  readonly rack: string | null;
}

/** A partition whose copies go elsewhere. */
export interface Move {
  readonly topic: string;
  readonly partition: number;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/**
 * Where copies go so that all are on these brokers and, with `even`, each of them has as many as the others. As few as
 * possible move. A copy goes to a rack that the partition is not on yet where there is one, then to who has the fewest.
 */
export function movesTo(
  brokers: readonly Broker[],
  partitions: readonly Partition[],
  { even = false }: { readonly even?: boolean } = {},
): Move[] {
  const racks = new Map(brokers.map(({ id, rack }) => [id, rack]));
  const load = new Map(brokers.map(({ id }) => [id, 0]));
  const loadOf = (id: number): number => load.get(id) ?? 0;
  const add = (id: number, copies: number): void => void (racks.has(id) && load.set(id, loadOf(id) + copies));
  const wanted = partitions.map(({ replicas, removing }) => replicas.filter((id) => !removing.includes(id)));
  for (const id of wanted.flat()) add(id, 1);
  for (const [index, replicas] of wanted.entries()) {
    for (const [place, id] of replicas.entries()) {
      if (racks.has(id)) continue;
      const to = best(replicas, place);
      if (to === undefined) throw new Error(tooFew(partitions[index]!, brokers.length));
      replicas[place] = to;
      add(to, 1);
    }
  }
  if (even) while (evenOut());
  return partitions.flatMap(({ topic, partition, replicas, removing }, index) => {
    const from = replicas.filter((id) => !removing.includes(id));
    const to = wanted[index]!;
    return to.join() === from.join() ? [] : [{ topic, partition, from, to }];
  });

  /** Who takes the place of one copy; undefined where every broker has one already. */
  function best(replicas: readonly number[], place: number): number | undefined {
    const others = replicas.filter((_, index) => index !== place);
    const taken = new Set(others.map((id) => racks.get(id)));
    const cost = ({ id, rack }: Broker): number => (rack !== null && taken.has(rack) ? 1e9 : 0) + loadOf(id);
    const free = brokers.filter(({ id }) => !replicas.includes(id));
    return free.toSorted((a, b) => cost(a) - cost(b) || a.id - b.id)[0]?.id;
  }

  /** Moves one copy from who has two more than another to that one; false where none can be moved any more. */
  function evenOut(): boolean {
    const byLoad = brokers.map(({ id }) => id).toSorted((a, b) => loadOf(b) - loadOf(a) || a - b);
    for (const from of byLoad) {
      for (const to of byLoad.toReversed()) {
        if (loadOf(from) - loadOf(to) < 2) break;
        const replicas = wanted.find((each) => each.includes(from) && !each.includes(to) && fits(each, from, to));
        if (!replicas) continue;
        replicas[replicas.indexOf(from)] = to;
        add(from, -1);
        add(to, 1);
        return true;
      }
    }
    return false;
  }

  /** Whether the partition is on as many racks as before. */
  function fits(replicas: readonly number[], from: number, to: number): boolean {
    const rack = racks.get(to) ?? null;
    return rack === null || replicas.every((id) => id === from || racks.get(id) !== rack);
  }
}

function tooFew({ topic, replicas }: Partition, brokers: number): string {
  return `${topic} has ${replicas.length} copies of each partition, and only ${brokers} brokers would stay.`;
}

/** As the tool for reassignments reads them. */
export const planOf = (moves: readonly Pick<Move, 'topic' | 'partition' | 'to'>[]): string =>
  JSON.stringify({
    version: 1,
    partitions: moves.map(({ topic, partition, to }) => ({ topic, partition, replicas: to })),
  });
