import type { ComponentManifest, NeighbourManifest, ProfileManifest, ServiceManifest } from '@stackyard/sdk/manifest';
import { partsOf } from '@stackyard/sdk/manifest';
import type { Addition } from '../command.ts';
import { pointer } from '../problems.ts';
import { suggestion } from '../sentences.ts';
import type { HostComponentState, HostState, ServiceState } from '../state.ts';
import { checkNewHosts, checkServices } from './check.ts';
import type { Draft } from './draft.ts';
import { compareNames, placeClient, type Placed, placeServer } from './placement.ts';
import { resolveStack } from './stacks.ts';
import { overridesById, storeValues } from './values.ts';

/** Hosts by component, each with where the request names it. */
type Placement = Map<string, { readonly host: HostState; readonly at: string }[]>;

/** Adds services, or components to services that are there. */
export function layoutAdd(draft: Draft, additions: readonly Addition[]): void {
  if (additions.length === 0) {
    draft.problems.refuse('NOTHING_SELECTED', 'The request names no service. Name at least one to add.', '/services');
  }
  joinNamed(draft, additions);
  for (const [index, addition] of additions.entries()) addOne(draft, addition, pointer('services', index));
  const touched = new Map(additions.map(({ service }, index) => [service, pointer('services', index)]));
  checkNewHosts(draft);
  checkServices(draft, touched);
}

/** Free hosts that any addition names join first, so that all of them count when components are placed. */
function joinNamed(draft: Draft, additions: readonly Addition[]): void {
  for (const name of additions.flatMap(({ components }) => Object.values(components ?? {}).flat())) {
    const host = draft.hostNamed(name);
    if (host && host.clusterId === undefined) draft.joining.add(host.id);
  }
}

function addOne(draft: Draft, addition: Addition, base: string): void {
  const existing = draft.services.get(addition.service);
  const stack = existing ? existingStack(draft, existing, addition, base) : resolveStack(draft, addition, base);
  if (!stack) return;
  const service: ServiceState = existing ?? {
    id: draft.newId(),
    name: stack.manifest.name,
    stack: stack.stack,
    manifest: stack.manifest,
    configVersion: 0,
    values: {},
    overrides: {},
    generated: generatedValues(draft, stack.manifest),
    hostComponents: [],
    nextOrdinals: {},
  };
  const profile = profileOf(draft, service, addition, base);
  const placement = namedPlacement(draft, service, addition, base);
  if (!existing) placeOthers(draft, service, { addition, base, placement, profile });
  draft.services.set(service.name, withHostComponents(draft, service, placement));
  storeAdded(
    draft,
    { ...addition, config: merged(profile?.values ?? {}, addition.config ?? {}) },
    base,
    existing !== undefined,
  );
}

/** The sizes that the request takes by one word. */
function profileOf(
  draft: Draft,
  { name: service, manifest: { title, profiles = [] } }: ServiceState,
  { profile: wanted }: Addition,
  base: string,
): ProfileManifest | undefined {
  if (wanted === undefined) return undefined;
  const found = profiles.find(({ name }) => name === wanted);
  if (found) {
    draft.profiles.set(service, found);
    return found;
  }
  const known = profiles.map(({ name }) => name);
  const message =
    known.length === 0
      ? `${title} has no profiles. Leave out "profile" and give the values themselves.`
      : `${title} has no profile ${wanted}${suggestion(wanted, known)} It has ${known.join(', ')}.`;
  draft.problems.refuse('PROFILE_UNKNOWN', message, `${base}/profile`);
  return undefined;
}

/** The values of a new service, or those of an existing one with the given ones on top. */
function storeAdded(draft: Draft, addition: Addition, base: string, exists: boolean): void {
  const service = draft.services.get(addition.service)!;
  const overrides = overridesById(draft, service, addition.overrides ?? {}, `${base}/overrides`);
  storeValues(draft, service, {
    at: base,
    values: exists ? merged(service.values, addition.config ?? {}) : (addition.config ?? {}),
    overrides: exists ? merged(service.overrides, overrides) : overrides,
  });
}

/** Two levels deep: config and property, or host and config. */
function merged<T>(
  before: Readonly<Record<string, Readonly<Record<string, T>>>>,
  given: Readonly<Record<string, Readonly<Record<string, T>>>>,
): Record<string, Readonly<Record<string, T>>> {
  const changed = Object.entries(given).map(([key, values]) => [key, { ...before[key], ...values }] as const);
  return { ...before, ...Object.fromEntries(changed) };
}

function existingStack(draft: Draft, service: ServiceState, addition: Addition, base: string) {
  const { stack } = service;
  const otherStack = addition.stack !== undefined && addition.stack !== stack.name;
  const otherVersion = addition.version !== undefined && addition.version !== stack.version;
  if (otherStack || otherVersion) {
    const message = `Service ${service.name} of cluster ${draft.state.name} comes from ${stack.name} ${stack.version}. Leave out "stack" and "version" to add to it.`;
    draft.problems.refuse('SERVICE_EXISTS', message, `${base}/${otherStack ? 'stack' : 'version'}`);
    return undefined;
  }
  const unfinished = service.hostComponents.some(({ desired }) => desired === 'ABSENT');
  if (!addition.components && !unfinished) {
    const message = `Service ${service.name} is already in cluster ${draft.state.name}. Name the components and hosts to add to it.`;
    draft.problems.refuse('SERVICE_EXISTS', message, `${base}/service`);
    return undefined;
  }
  return { stack, manifest: service.manifest };
}

/** Values that are the same on every host and made only once, such as a cluster id. */
function generatedValues(draft: Draft, manifest: ServiceManifest): Record<string, Record<string, string>> {
  const generated: Record<string, Record<string, string>> = {};
  for (const config of manifest.configs) {
    for (const property of config.properties) {
      if (property.generated) (generated[config.name] ??= {})[property.name] = draft.newId();
    }
  }
  return generated;
}

/** What the request places itself. */
function namedPlacement(draft: Draft, service: ServiceState, addition: Addition, base: string): Placement {
  const placement: Placement = new Map();
  const known = service.manifest.components.map(({ name }) => name);
  for (const [component, names] of Object.entries(addition.components ?? {})) {
    const at = `${base}/components${pointer(component)}`;
    if (!known.includes(component)) {
      const message = `Service ${service.name} has no component ${component}${suggestion(component, known)}`;
      draft.problems.refuse('COMPONENT_UNKNOWN', message, at);
      continue;
    }
    const seen = new Set<string>();
    const taken = new Map(
      service.hostComponents
        .filter((hostComponent) => hostComponent.component === component)
        .map((hostComponent) => [hostComponent.hostId, hostComponent]),
    );
    const hosts: { host: HostState; at: string }[] = [];
    for (const [index, name] of names.entries()) {
      const host = usableHost(draft, name, `${at}/${index}`);
      if (seen.has(name)) {
        draft.problems.refuse(
          'HOST_TWICE',
          `Host ${name} is named twice for ${component}. Name it once.`,
          `${at}/${index}`,
        );
      } else if (host) {
        const there = taken.get(host.id);
        if (!there) hosts.push({ host, at: `${at}/${index}` });
        // A host component whose install never succeeded is taken up again instead of refused.
        else if (there.desired !== 'ABSENT') {
          const message = `${component} is already on host ${name}. Leave that host out.`;
          draft.problems.refuse('COMPONENT_EXISTS', message, `${at}/${index}`);
        }
      }
      seen.add(name);
    }
    placement.set(component, hosts);
  }
  return placement;
}

/** A host that is part of the cluster or can be. */
function usableHost(draft: Draft, name: string, at: string): HostState | undefined {
  const host = draft.hostNamed(name);
  if (!host) {
    const message = `There is no host ${name}${suggestion(name, draft.hostNames())} Start an agent on it first.`;
    draft.problems.refuse('HOST_UNKNOWN', message, at);
    return undefined;
  }
  if (host.clusterId !== undefined && host.clusterId !== draft.state.id) {
    const message = `Host ${name} belongs to another cluster than ${draft.state.name}. Remove it there first, or name another host.`;
    draft.problems.refuse('HOST_IN_OTHER_CLUSTER', message, at);
    return undefined;
  }
  return host;
}

interface Rest {
  readonly addition: Addition;
  readonly base: string;
  readonly placement: Placement;
  readonly profile: ProfileManifest | undefined;
}

/** Places the components of a new service that the request leaves out; see placement.ts for the rule. */
function placeOthers(draft: Draft, service: ServiceState, { addition, base, placement, profile }: Rest): void {
  const candidates = draft
    .members()
    .filter(({ reachable }) => reachable)
    .toSorted(compareNames);
  const left = service.manifest.components.filter(({ name }) => !addition.components?.[name]);
  const at = (component: string): string =>
    addition.components ? `${base}/components${pointer(component)}` : `${base}/service`;
  const place = (component: string, { hosts, reason }: Placed): void => {
    if (hosts.length > 0) draft.reasons.set(`${service.name}/${component}`, reason);
    placement.set(
      component,
      hosts.map((host) => ({ host, at: at(component) })),
    );
  };
  for (const component of neighboursFirst(left.filter(({ category }) => category === 'server'))) {
    const { load, avoid } = occupancy(draft, service.manifest, component.name, placement);
    const counts = new Map([...placement].map(([name, hosts]) => [name, hosts.length]));
    const near = component.with && hostsWithAll(draft, service.manifest, component.with, placement);
    place(
      component.name,
      placeServer(component, { service: service.manifest, candidates, load, counts, avoid, near, profile }),
    );
  }
  const servers = new Map<string, HostState>();
  for (const { name, category } of service.manifest.components) {
    if (category === 'server') for (const { host } of placement.get(name) ?? []) servers.set(host.id, host);
  }
  for (const component of left.filter(({ category }) => category === 'client')) {
    place(component.name, placeClient(component, [...servers.values()], candidates));
  }
}

/** A component that must be with others is placed after them, and one whose number follows from theirs. */
function neighboursFirst(components: readonly ComponentManifest[]): ComponentManifest[] {
  const ordered: ComponentManifest[] = [];
  const visit = (component: ComponentManifest, path: readonly ComponentManifest[]): void => {
    if (ordered.includes(component) || path.includes(component)) return;
    const counted = component.place?.hosts ? partsOf(component.place.hosts) : [];
    const needed = [
      ...(component.with ?? []).map(({ component: name }) => name),
      ...counted.flatMap((part) => ('count' in part ? [part.count] : [])),
    ];
    for (const name of needed) {
      const other = components.find((candidate) => candidate.name === name);
      if (other) visit(other, [...path, component]);
    }
    ordered.push(component);
  };
  for (const component of components) visit(component, []);
  return ordered;
}

/** Hosts that will have every one of some components; those of other services by `service/component`. */
function hostsWithAll(
  draft: Draft,
  manifest: ServiceManifest,
  neighbours: readonly NeighbourManifest[],
  placement: Placement,
): ReadonlySet<string> {
  const sets = neighbours.map(({ component }) => {
    const [service = '', name = ''] = component.includes('/') ? component.split('/') : [manifest.name, component];
    const there = (draft.services.get(service)?.hostComponents ?? []).filter((other) => other.component === name);
    const coming = service === manifest.name ? (placement.get(name) ?? []) : [];
    return new Set([...there.map(({ hostId }) => hostId), ...coming.map(({ host }) => host.id)]);
  });
  return sets.reduce((all, set) => new Set([...all].filter((id) => set.has(id))));
}

/** How full the hosts will be, and which ones a component must not go to. */
function occupancy(draft: Draft, manifest: ServiceManifest, component: string, placement: Placement) {
  const load = new Map<string, number>();
  const avoid = new Set<string>();
  const apart = ({ notWith = [] }: Pick<ComponentManifest, 'notWith'>) => notWith.map((other) => other.component);
  const excluded = new Set(manifest.components.filter(({ name }) => name === component).flatMap(apart));
  for (const other of manifest.components) if (apart(other).includes(component)) excluded.add(other.name);
  const note = (hostId: string, service: ServiceManifest, name: string): void => {
    const category = service.components.find((candidate) => candidate.name === name)?.category;
    if (category === 'server') load.set(hostId, (load.get(hostId) ?? 0) + 1);
    const own = service.name === manifest.name && excluded.has(name);
    if (own || excluded.has(`${service.name}/${name}`)) avoid.add(hostId);
  };
  for (const service of draft.services.values()) {
    for (const { hostId, component: name } of service.hostComponents) note(hostId, service.manifest, name);
  }
  for (const [name, hosts] of placement) for (const { host } of hosts) note(host.id, manifest, name);
  return { load, avoid };
}

/** The service with a host component for each placed one, with the next ordinals. */
function withHostComponents(draft: Draft, service: ServiceState, placement: Placement): ServiceState {
  const nextOrdinals = { ...service.nextOrdinals };
  const hostComponents: HostComponentState[] = [...service.hostComponents];
  for (const { component, ordinal } of hostComponents) {
    // After a restore of the database the hosts may know higher ordinals than the service remembers.
    nextOrdinals[component] = Math.max(nextOrdinals[component] ?? 1, ordinal + 1);
  }
  for (const { name: component } of service.manifest.components) {
    for (const { host, at } of placement.get(component) ?? []) {
      const ordinal = nextOrdinals[component] ?? 1;
      nextOrdinals[component] = ordinal + 1;
      const id = draft.newId();
      draft.added.set(id, at);
      hostComponents.push({
        id,
        service: service.name,
        component,
        hostId: host.id,
        ordinal,
        desired: 'ABSENT',
        observed: 'UNKNOWN',
        once: [],
      });
    }
  }
  return { ...service, hostComponents, nextOrdinals };
}
