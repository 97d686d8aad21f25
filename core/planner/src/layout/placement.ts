import type { ComponentManifest, Expression, ProfileManifest, ServiceManifest } from '@stackyard/sdk/manifest';
import { evaluate } from '@stackyard/sdk/render';
import { type Bounds, boundsOf } from '../cardinality.ts';
import { counted } from '../sentences.ts';
import type { HostState } from '../state.ts';

/** Most hosts that an open cardinality such as `1+` takes by itself. */
const ENOUGH = 3;

export interface PlacementOptions {
  readonly service: ServiceManifest;
  /** Reachable hosts of the cluster and hosts that the request names. */
  readonly candidates: readonly HostState[];
  /** By host id: how many server host components it will have. */
  readonly load: ReadonlyMap<string, number>;
  /** By component of the service: how many of it are placed so far. */
  readonly counts: ReadonlyMap<string, number>;
  /** Hosts that carry a component which this one must not share a host with. */
  readonly avoid: ReadonlySet<string>;
  /** Hosts that carry every component which this one must share a host with; every host when absent. */
  readonly near?: ReadonlySet<string> | undefined;
  /** The sizes that the operator has chosen. */
  readonly profile?: ProfileManifest | undefined;
}

export interface Placed {
  readonly hosts: readonly HostState[];
  /** Why there, as an operator reads it; without a full stop. */
  readonly reason: string;
}

/**
 * Where a server component goes that the request does not place.
 *
 * - How many: `all` every candidate; else what the profile says, or the stack's `place.hosts`, or three of an open cardinality and the
 *   least of a closed one; within the cardinality, an odd number with `prefer: odd`, never more than there are candidates.
 * - A component that may be missing (`0-1`, `0+`) is placed only where the stack's `place.hosts` asks for it.
 * - Which: the hosts that the stack's `place.score` gives most, then those with the fewest server components, then by
 *   name. Hosts without a component it must share a host with, or with one it must not, are left out.
 *
 * Fewer hosts than the cardinality asks for are returned as they are; the cardinality is checked elsewhere.
 * @throws ExpressionError for a count or a score that cannot be computed
 */
export function placeServer(component: ComponentManifest, options: PlacementOptions): Placed {
  const { near, avoid, load } = options;
  const usable = options.candidates.filter(({ id }) => !avoid.has(id) && (near?.has(id) ?? true));
  const scores = scoresOf(component, options.service, usable);
  const ranked = usable.toSorted(
    (a, b) =>
      (scores.get(b.id) ?? 0) - (scores.get(a.id) ?? 0) ||
      (load.get(a.id) ?? 0) - (load.get(b.id) ?? 0) ||
      compareNames(a, b),
  );
  const count = wanted(component, options, ranked.length);
  const hosts = ranked.slice(0, count).toSorted(compareNames);
  return {
    hosts,
    reason: reasonOf(component, hosts.length, {
      of: usable.length,
      near: near !== undefined,
      profile: options.profile,
    }),
  };
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
): Placed {
  const { all, max } = boundsOf(component.cardinality);
  const everywhere = all || servers.length === 0;
  const hosts = (everywhere ? candidates : servers).toSorted(compareNames).slice(0, max);
  return { hosts, reason: everywhere ? 'on every host' : 'where the servers are' };
}

function scoresOf({ place }: ComponentManifest, service: ServiceManifest, hosts: readonly HostState[]) {
  const { score } = place ?? {};
  if (!score) return new Map<string, number>();
  return new Map(hosts.map((host) => [host.id, numberOf(score, { service, host, place: 'place.score' })]));
}

function wanted(
  component: ComponentManifest,
  { service, counts, profile }: Pick<PlacementOptions, 'service' | 'counts' | 'profile'>,
  available: number,
): number {
  const bounds = boundsOf(component.cardinality);
  if (bounds.all) return available;
  const sized = profile?.hosts[component.name];
  if (sized !== undefined) return Math.max(bounds.min, Math.min(bounds.max, available, sized));
  const asked = component.place?.hosts;
  if (!asked && bounds.min === 0) return 0;
  const target = asked
    ? numberOf(asked, { service, counts, clusterHosts: available, place: 'place.hosts' })
    : bounds.max === Infinity
      ? Math.min(ENOUGH, available)
      : bounds.min;
  const within = Math.max(bounds.min, Math.min(bounds.max, available, Math.floor(target)));
  return component.prefer === 'odd' ? odd(within, bounds, available) : within;
}

/** The next odd number that is possible: rather one more, else one less. */
function odd(count: number, { min, max }: Bounds, available: number): number {
  if (count === 0 || count % 2 === 1) return count;
  if (count + 1 <= Math.min(max, available)) return count + 1;
  return count - 1 >= min ? count - 1 : count;
}

interface Asked {
  readonly service: ServiceManifest;
  readonly counts?: ReadonlyMap<string, number>;
  readonly host?: HostState;
  readonly clusterHosts?: number;
  readonly place: string;
}

function numberOf(expression: Expression, { service, counts, host, clusterHosts, place }: Asked): number {
  const facts = host?.facts ?? { cpus: 0, memory: 0, disk: 0 };
  // Only how many there are can be asked for: who they are is being settled.
  const some = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ host: '', address: '', ordinal: index }));
  const instances = Object.fromEntries(service.components.map(({ name }) => [name, some(counts?.get(name) ?? 0)]));
  const inputs = { values: {}, instances, imports: {}, facts };
  const value = evaluate(expression, { service, place, clusterHosts, inputs });
  return typeof value === 'number' ? value : Number(value);
}

function reasonOf(
  { name, cardinality, prefer, place, with: together = [] }: ComponentManifest,
  count: number,
  { of, near, profile }: { readonly of: number; readonly near: boolean; readonly profile: ProfileManifest | undefined },
): string {
  if (cardinality === 'all') return 'on every host';
  const why = [
    count < of ? `${count} of ${counted(of, 'host')}` : counted(count, 'host'),
    ...(profile?.hosts[name] === undefined ? [] : [`as the profile ${profile.name} says`]),
    ...(prefer === 'odd' && count > 1 ? ['an odd number survives most failures'] : []),
    ...(near ? [`where ${together.map(({ component }) => component).join(' and ')} is`] : []),
    ...(count < of ? [place?.score ? bestBy(place.score) : 'those with the fewest servers'] : []),
  ];
  return why.join(', ');
}

const MOST = { memory: 'most memory', cpus: 'most processors', disk: 'most disk' } as const;

function bestBy(score: Expression): string {
  return 'fact' in score ? `those with ${MOST[score.fact]}` : 'those that suit the stack best';
}

/** zk2 before zk10. */
export function compareNames(a: { readonly name: string }, b: { readonly name: string }): number {
  return collator.compare(a.name, b.name);
}

const collator = new Intl.Collator('en', { numeric: true });
