import type { ServiceManifest } from '@stackyard/sdk/manifest';
import type { ConfigValues, HostComponentState, Json, LaidAside, ServiceState } from './state.ts';

/** Whether a host component still runs from another version than its service is to. */
export function isBehind(service: ServiceState, { stackDigest }: Pick<HostComponentState, 'stackDigest'>): boolean {
  return stackDigest !== undefined && stackDigest !== service.stack.digest;
}

/** States are immutable: what a service is like in another version is the same object each time it is asked for. */
const known = new WeakMap<ServiceState, Map<string, ServiceState>>();

/** The service as a host component runs it: the manifest of its own version, and the values that belong to that one. */
export function asRunBy(service: ServiceState, hostComponent: Pick<HostComponentState, 'stackDigest'>): ServiceState {
  const digest = hostComponent.stackDigest;
  if (digest === undefined || !isBehind(service, hostComponent)) return service;
  const versions = known.get(service) ?? new Map<string, ServiceState>();
  known.set(service, versions);
  let version = versions.get(digest);
  if (!version) {
    const other = service.otherVersions?.find(({ stack }) => stack.digest === digest);
    if (!other) throw new RangeError(`Service ${service.name} has a host component of ${digest}, which is not at hand`);
    version = { ...service, ...other, ...valuesFor(other.manifest, service) };
    versions.set(digest, version);
  }
  return version;
}

/** A service's values in another version: what that version knows of them, and what was laid aside because this one does not. */
export function valuesFor(
  manifest: ServiceManifest,
  {
    values,
    overrides,
    laidAside = { values: {}, overrides: {} },
  }: Pick<ServiceState, 'values' | 'overrides' | 'laidAside'>,
): Required<Pick<ServiceState, 'values' | 'overrides'>> & { readonly laidAside: LaidAside } {
  const whole = layered(laidAside.values, values);
  const hosts = new Set([...Object.keys(laidAside.overrides), ...Object.keys(overrides)]);
  const split = [...hosts].map((host) => {
    const all = layered(laidAside.overrides[host] ?? {}, overrides[host] ?? {});
    return [host, parted(manifest, all)] as const;
  });
  const own = parted(manifest, whole);
  const filled = (part: 'kept' | 'aside') =>
    Object.fromEntries(
      split.map(([host, it]) => [host, it[part]] as const).filter(([, it]) => Object.keys(it).length > 0),
    );
  return { values: own.kept, overrides: filled('kept'), laidAside: { values: own.aside, overrides: filled('aside') } };
}

/** Values of properties that the manifest has, and the others. */
function parted(manifest: ServiceManifest, values: ConfigValues): { kept: ConfigValues; aside: ConfigValues } {
  const has = new Set(
    manifest.configs.flatMap(({ name, properties }) => properties.map((property) => `${name}\0${property.name}`)),
  );
  const part = (wanted: boolean): ConfigValues => {
    const found: Record<string, Record<string, Json>> = {};
    for (const [config, properties] of Object.entries(values)) {
      for (const [property, value] of Object.entries(properties)) {
        if (has.has(`${config}\0${property}`) === wanted) (found[config] ??= {})[property] = value;
      }
    }
    return found;
  };
  return { kept: part(true), aside: part(false) };
}

/** The second one on top of the first. */
function layered(below: ConfigValues, above: ConfigValues): ConfigValues {
  const merged = Object.entries(above).map(([config, values]) => [config, { ...below[config], ...values }] as const);
  return { ...below, ...Object.fromEntries(merged) };
}
