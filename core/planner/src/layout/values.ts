import { checkValues, isSealed } from '@stackyard/sdk/render';
import { pointer } from '../problems.ts';
import { listed, suggestion } from '../sentences.ts';
import { canonical } from '../stale.ts';
import type { ConfigValues, ServiceState } from '../state.ts';
import type { Draft } from './draft.ts';

export interface StoredValues {
  /** Where the request holds `config` and `overrides`. */
  readonly at: string;
  readonly values: ConfigValues;
  /** By host id. */
  readonly overrides: Readonly<Record<string, ConfigValues>>;
}

/** Checks and stores the whole of a service's values. A new config version is made only when something changes. */
export function storeValues(draft: Draft, service: ServiceState, { at, values, overrides }: StoredValues): void {
  checkValuesOf(draft, service, { at, values, overrides });
  checkPinned(draft, service, { at, values, overrides });
  const cleaned = { values: withoutEmpty(values), overrides: withoutEmpty(mapEach(overrides, withoutEmpty)) };
  const before = {
    values: withoutEmpty(service.values),
    overrides: withoutEmpty(mapEach(service.overrides, withoutEmpty)),
  };
  if (service.configVersion > 0 && canonical(cleaned) === canonical(before)) return;
  draft.newConfigs.set(service.name, at);
  draft.services.set(service.name, { ...service, ...cleaned, configVersion: service.configVersion + 1 });
}

/** Values that the service's manifest does not take are refused, each with its place. */
export function checkValuesOf(draft: Draft, service: ServiceState, { at, values, overrides }: StoredValues): void {
  const { configs } = service.manifest;
  const notices = [
    ...checkValues(configs, values, { pointer: `${at}/config` }),
    ...Object.entries(overrides).flatMap(([hostId, own]) => {
      const name = draft.state.hosts.find(({ id }) => id === hostId)?.name ?? hostId;
      return checkValues(configs, own, { pointer: `${at}/overrides${pointer(name)}`, partial: true });
    }),
  ];
  checkSealed(draft, service, { at, values, overrides });
  for (const { code, message, pointer: where, severity } of notices) {
    if (severity === 'warning') draft.problems.warn(code, message, where);
    else draft.problems.refuse(code, message, where);
  }
}

/** What is stored can be read by everybody who may read the config: no secret gets that far unless it is sealed. */
function checkSealed(draft: Draft, { manifest }: ServiceState, { at, values, overrides }: StoredValues): void {
  for (const config of manifest.configs) {
    for (const property of config.properties.filter(({ type }) => type === 'secret')) {
      for (const given of [values, ...Object.values(overrides)]) {
        const value = given[config.name]?.[property.name];
        if (typeof value !== 'string' || isSealed(value)) continue;
        const message = `${property.name} of ${config.name} is a secret, and what it was set to is not kept as one. Set it again.`;
        draft.problems.refuse('SECRET_UNSEALED', message, `${at}/config${pointer(config.name, property.name)}`);
      }
    }
  }
}

/** Overrides of a request, by host name, as they are stored: by host id. */
export function overridesById(
  draft: Draft,
  service: ServiceState,
  overrides: Readonly<Record<string, ConfigValues>>,
  at: string,
): Record<string, ConfigValues> {
  const found: Record<string, ConfigValues> = {};
  const hosts = new Map(
    service.hostComponents.map((hostComponent) => {
      const host = draft.hostOf(hostComponent);
      return [host.name, host.id] as const;
    }),
  );
  for (const [name, values] of Object.entries(overrides)) {
    const id = hosts.get(name);
    if (id === undefined) {
      const message = `Service ${service.name} has nothing on host ${name}${suggestion(name, [...hosts.keys()])}`;
      draft.problems.refuse('HOST_UNKNOWN', message, `${at}${pointer(name)}`);
    } else found[id] = values;
  }
  return found;
}

/** A pinned property, such as a data directory, keeps its value once the component is installed. */
function checkPinned(draft: Draft, service: ServiceState, { at, values, overrides }: StoredValues): void {
  const installed = service.hostComponents.filter(({ desired }) => desired !== 'ABSENT');
  for (const config of service.manifest.configs) {
    for (const property of config.properties) {
      if (property.effect !== 'pinned') continue;
      const read = (from: ConfigValues | undefined): unknown => from?.[config.name]?.[property.name];
      const literal = property.default && 'literal' in property.default ? property.default.literal : undefined;
      const moved = installed.filter(({ component, hostId }) => {
        if (!usesConfig(service, component, config.name)) return false;
        const before = read(service.overrides[hostId]) ?? read(service.values) ?? read(service.generated) ?? literal;
        const after = read(overrides[hostId]) ?? read(values) ?? read(service.generated) ?? literal;
        return canonical(before) !== canonical(after);
      });
      const [first] = moved;
      if (!first) continue;
      const hosts = [...new Set(moved.map((hostComponent) => draft.hostOf(hostComponent).name))];
      const message = `${property.name} of ${config.name} cannot change once ${service.name} is installed (on ${listed(hosts)}). Keep its value, or remove and add the service.`;
      const own = canonical(read(service.values)) === canonical(read(values));
      const within = own ? pointer('overrides', draft.hostOf(first).name) : '/config';
      draft.problems.refuse('PROPERTY_PINNED', message, at + within + pointer(config.name, property.name));
    }
  }
}

function usesConfig(service: ServiceState, component: string, config: string): boolean {
  return service.manifest.components.find(({ name }) => name === component)?.configs.includes(config) ?? false;
}

/** A config or host without a single value is the same as none. */
function withoutEmpty<T extends object>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => Object.keys(value).length > 0));
}

function mapEach<T, R>(record: Readonly<Record<string, T>>, map: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
