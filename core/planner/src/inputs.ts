import type {
  ConfigValues,
  Expression,
  HostFacts,
  Inputs,
  Instance,
  Json,
  Self,
  ServiceManifest,
} from '@stackyard/sdk/manifest';
import { directPartsOf } from '@stackyard/sdk/manifest';
import { effectiveValues, evaluate } from '@stackyard/sdk/render';
import { javaFor } from './java.ts';
import { isLeaving } from '@stackyard/domain';
import type { ClusterState, HostComponentState, HostState, ServiceState } from './state.ts';

/** What the host components of one service have in common; made once per state and service. */
interface SharedInputs {
  readonly byId: ReadonlyMap<string, HostComponentState>;
  readonly imports: Inputs['imports'];
  readonly instances: Inputs['instances'];
  /** Effective values by host component, or by what they depend on when no default names the host component. */
  readonly values: Map<string, ConfigValues>;
  readonly byHost: boolean;
  readonly javaRuntime: ClusterState['javaRuntime'];
  /** Instances as far as they are known before any default is computed. */
  readonly declared: Inputs['instances'];
}

interface Picture {
  readonly hosts: ReadonlyMap<string, HostState>;
  readonly services: ReadonlyMap<string, ServiceState>;
  readonly shared: Map<string, SharedInputs>;
}

/** States are immutable, so what is derived from one is kept as long as the state itself. */
const pictures = new WeakMap<ClusterState, Picture>();

/**
 * Exactly what rendering and the phases of a host component depend on. `instances` and `imports` are the same objects
 * for all host components of the service, so that a thousand hosts cost a thousand small objects.
 *
 * @throws ExpressionError for a default or an export that cannot be computed
 */
export function inputsOf(state: ClusterState, service: ServiceState, hostComponentId: string): Inputs {
  const picture = pictureOf(state);
  const shared = sharedOf(state, service);
  const hostComponent = shared.byId.get(hostComponentId);
  const host = hostComponent && picture.hosts.get(hostComponent.hostId);
  if (!hostComponent || !host) {
    throw new RangeError(`Service ${service.name} of cluster ${state.name} has no host component ${hostComponentId}`);
  }
  return {
    self: selfOf(service, hostComponent, host, state.javaRuntime),
    values: valuesOf(service, shared, hostComponent, host),
    instances: shared.instances,
    imports: shared.imports,
    facts: factsOf(host),
  };
}

/** Exports of a service of the cluster as others see them; empty while it has no host component. */
export function exportsOf(state: ClusterState, service: ServiceState): Readonly<Record<string, Json>> {
  const context = wholeOf(state, service);
  if (!context) return {};
  return mapValues(service.manifest.exports, (expression, name) =>
    evaluate(expression, { ...context, place: `export ${name}` }),
  );
}

/** Sentences of the rules of a service that a state breaks. @throws ExpressionError for one that cannot be computed */
export function brokenRules(state: ClusterState, service: ServiceState): readonly string[] {
  const context = wholeOf(state, service);
  const { rules = [] } = service.manifest;
  if (!context) return [];
  return rules
    .filter(({ refuse }, index) => evaluate(refuse, { ...context, place: `rule ${index + 1}` }) === true)
    .map(({ message }) => message);
}

/** What is true of a service as a whole, without a host component; undefined while it has none. */
function wholeOf(state: ClusterState, service: ServiceState) {
  const picture = pictureOf(state);
  const first = service.hostComponents[0];
  const host = first && picture.hosts.get(first.hostId);
  if (!first || !host) return undefined;
  const shared = sharedOf(state, service);
  return {
    service: service.manifest,
    local: host.local,
    inputs: {
      values: valuesOf(service, shared, first, host),
      instances: shared.instances,
      imports: shared.imports,
      facts: factsOf(host),
    },
  };
}

function pictureOf(state: ClusterState): Picture {
  const known = pictures.get(state);
  if (known) return known;
  const picture: Picture = {
    hosts: new Map(state.hosts.map((host) => [host.id, host])),
    services: new Map(state.services.map((service) => [service.name, service])),
    shared: new Map(),
  };
  pictures.set(state, picture);
  return picture;
}

function sharedOf(state: ClusterState, service: ServiceState): SharedInputs {
  const picture = pictureOf(state);
  // Of one service some host components may run one version and some another.
  const key = `${service.name} ${service.stack.digest}`;
  const known = picture.shared.get(key);
  if (known) return known;
  const declared = instancesOf(picture, service, declaredOverrides(service));
  const partial = {
    byId: new Map(service.hostComponents.map((hostComponent) => [hostComponent.id, hostComponent])),
    imports: importsOf(state, service),
    javaRuntime: state.javaRuntime,
    declared,
    values: new Map<string, ConfigValues>(),
    byHost: service.manifest.configs.some((config) =>
      config.properties.some((property) =>
        [property.default, property.when].some((each) => each && namesHost(each, service.manifest)),
      ),
    ),
  };
  const values = (hostComponent: HostComponentState): ConfigValues => {
    const host = picture.hosts.get(hostComponent.hostId);
    return host ? valuesOf(service, partial, hostComponent, host) : {};
  };
  const shared = { ...partial, instances: instancesOf(picture, service, differing(service, values)) };
  picture.shared.set(key, shared);
  return shared;
}

type ValueSources = Omit<SharedInputs, 'instances'>;

function valuesOf(
  service: ServiceState,
  shared: ValueSources,
  hostComponent: HostComponentState,
  host: HostState,
): ConfigValues {
  const facts = factsOf(host);
  const overrides = service.overrides[host.id];
  const key = shared.byHost
    ? hostComponent.id
    : `${facts.cpus} ${facts.memory} ${facts.disk} ${overrides ? host.id : ''}`;
  const known = shared.values.get(key);
  if (known) return known;
  const values = effectiveValues({
    service: service.manifest,
    values: service.values,
    overrides,
    generated: service.generated,
    facts,
    instances: shared.declared,
    imports: shared.imports,
    self: selfOf(service, hostComponent, host, shared.javaRuntime),
  });
  shared.values.set(key, values);
  return values;
}

/** Exports of the services this one requires and the cluster has. Cycles of `requires` are refused by layout. */
function importsOf(state: ClusterState, service: ServiceState): Inputs['imports'] {
  const services = pictureOf(state).services;
  const required = service.manifest.requires.services.flatMap(({ service: name }) => services.get(name) ?? []);
  return Object.fromEntries(required.map((other) => [other.name, exportsOf(state, other)]));
}

function selfOf(
  service: ServiceState,
  hostComponent: HostComponentState,
  host: HostState,
  runtime: ClusterState['javaRuntime'],
): Self {
  return {
    hostComponentId: hostComponent.id,
    service: service.name,
    component: hostComponent.component,
    host: host.name,
    address: host.address,
    bind: host.bind,
    root: host.root,
    local: host.local,
    ordinal: hostComponent.ordinal,
    javaHome: javaFor(service.manifest.requires.jdk, host, runtime)?.home,
  };
}

function factsOf({ facts }: HostState): HostFacts {
  return { cpus: facts.cpus, memory: facts.memory, disk: facts.disk };
}

type OverridesOf = (hostComponent: HostComponentState) => ConfigValues | undefined;

/** Host components by component, in order of their ordinals; every component of the manifest has a list. */
function instancesOf(picture: Picture, service: ServiceState, overridesOf: OverridesOf): Inputs['instances'] {
  const lists: Record<string, Instance[]> = {};
  for (const component of service.manifest.components) lists[component.name] = [];
  for (const hostComponent of service.hostComponents) {
    const host = picture.hosts.get(hostComponent.hostId);
    if (!host) continue;
    const overrides = overridesOf(hostComponent);
    const instance = { host: host.name, address: host.address, ordinal: hostComponent.ordinal };
    (lists[hostComponent.component] ??= []).push({
      ...instance,
      ...(overrides ? { overrides } : {}),
      ...(isLeaving(hostComponent.leaving) ? { leaving: true } : {}),
    });
  }
  for (const list of Object.values(lists)) list.sort((a, b) => a.ordinal - b.ordinal);
  return lists;
}

type Path = readonly [config: string, property: string];

/**
 * What the operator set for single hosts. A property set for one host is listed for every instance: read through
 * another host's values it would be that host's otherwise.
 */
function declaredOverrides(service: ServiceState): OverridesOf {
  const paths = unique(Object.values(service.overrides).flatMap(pathsOf));
  if (paths.length === 0) return () => undefined;
  return ({ hostId }) =>
    picked(paths, ([config, property]) => {
      const literal = defaultOf(service.manifest, [config, property]);
      return (
        service.overrides[hostId]?.[config]?.[property] ??
        service.values[config]?.[property] ??
        service.generated[config]?.[property] ??
        (literal && 'literal' in literal ? literal.literal : undefined)
      );
    });
}

/** Every property whose effective value is not the same for all host components, with each one's own value. */
function differing(service: ServiceState, valuesOf: (hostComponent: HostComponentState) => ConfigValues): OverridesOf {
  const distinct = new Set(service.hostComponents.map(valuesOf));
  if (distinct.size < 2) return () => undefined;
  const [first, ...others] = distinct;
  const paths = service.manifest.configs.flatMap((config) =>
    config.properties
      .map((property): Path => [config.name, property.name])
      .filter(([config, property]) => {
        const value = JSON.stringify(first?.[config]?.[property]);
        return others.some((values) => JSON.stringify(values[config]?.[property]) !== value);
      }),
  );
  if (paths.length === 0) return () => undefined;
  return (hostComponent) => {
    const values = valuesOf(hostComponent);
    return picked(paths, ([config, property]) => values[config]?.[property]);
  };
}

function picked(paths: readonly Path[], valueAt: (path: Path) => Json | undefined): ConfigValues | undefined {
  const values: Record<string, Record<string, Json>> = {};
  for (const path of paths) {
    const value = valueAt(path);
    if (value !== undefined) (values[path[0]] ??= {})[path[1]] = value;
  }
  return Object.keys(values).length > 0 ? values : undefined;
}

function pathsOf(values: ConfigValues): Path[] {
  return Object.entries(values).flatMap(([config, properties]) =>
    Object.keys(properties).map((property): Path => [config, property]),
  );
}

function unique(paths: readonly Path[]): Path[] {
  return [...new Map(paths.map((path) => [JSON.stringify(path), path])).values()];
}

function defaultOf(manifest: ServiceManifest, [config, property]: Path): Expression | undefined {
  return manifest.configs.find(({ name }) => name === config)?.properties.find(({ name }) => name === property)
    ?.default;
}

/** Whether an expression has another value for each host component: it names one, or a path or port placed on it. */
function namesHost(expression: Expression, manifest: ServiceManifest): boolean {
  if ('self' in expression || 'configPath' in expression) return true;
  if ('each' in expression) return false;
  if (!('property' in expression)) return directPartsOf(expression).some((part) => namesHost(part, manifest));
  const { config, property } = expression.property;
  const found = manifest.configs.find(({ name }) => name === config)?.properties.find(({ name }) => name === property);
  return found !== undefined && (['dir', 'dirs', 'file'].includes(found.type) || Boolean(found.offsetByOrdinal));
}

function mapValues<T, R>(record: Readonly<Record<string, T>>, map: (value: T, key: string) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}
