import type { ComponentManifest } from '@stackyard/sdk/manifest';
import { boundsOf } from '../cardinality.ts';
import type { HostState } from '../state.ts';

/** Most hosts that an open cardinality such as `1+` takes by itself. */
const ENOUGH = 3;

export interface PlacementOptions {
  /** Reachable hosts of the cluster and hosts that the request names. */
  readonly candidates: readonly HostState[];
  /** By host id: how many server host components it will have. */
  readonly load: ReadonlyMap<string, number>;
  /** Hosts that carry a component which this one must not share a host with. */
  readonly avoid: ReadonlySet<string>;
}

/**
 * Where a server component goes that the request does not place.
 *
 * - `all`: every candidate. `n`: n hosts. `n-m`: n hosts, or the next odd number up to m with `prefer: odd`.
 * - `n+`: three hosts, or n when that is more, with `prefer: odd` an odd number; fewer when there are fewer candidates.
 * - A component that may be missing (`0-1`, `0+`) is not placed.
 * - The hosts with the fewest server components come first, then by name; those to avoid are left out.
 *
 * Fewer hosts than the cardinality asks for are returned as they are; the cardinality is checked elsewhere.
 */
export function placeServer(component: ComponentManifest, options: PlacementOptions): HostState[] {
  const candidates = options.candidates
    .filter(({ id }) => !options.avoid.has(id))
    .toSorted((a, b) => (options.load.get(a.id) ?? 0) - (options.load.get(b.id) ?? 0) || compareNames(a, b));
  return candidates.slice(0, wanted(component, candidates.length)).toSorted(compareNames);
}

/**
 * Where a client component goes that the request does not place: on every host with a server component of the service,
 * or on every candidate when the service has none; never more than its cardinality allows, none when it may be missing
 * in a cluster without servers of it.
 */
export function placeClient(
  component: ComponentManifest,
  servers: readonly HostState[],
  candidates: readonly HostState[],
): HostState[] {
  const { all, max } = boundsOf(component.cardinality);
  const hosts = all || servers.length === 0 ? candidates : servers;
  return hosts.toSorted(compareNames).slice(0, max);
}

function wanted(component: ComponentManifest, available: number): number {
  const { min, max, all } = boundsOf(component.cardinality);
  if (all) return available;
  if (min === 0) return 0;
  const target = max === Infinity ? Math.max(min, Math.min(ENOUGH, available)) : min;
  if (component.prefer !== 'odd' || target % 2 === 1) return target;
  if (target + 1 <= Math.min(max, available)) return target + 1;
  return target - 1 >= min ? target - 1 : target;
}

/** zk2 before zk10. */
export function compareNames(a: { readonly name: string }, b: { readonly name: string }): number {
  return collator.compare(a.name, b.name);
}

const collator = new Intl.Collator('en', { numeric: true });
