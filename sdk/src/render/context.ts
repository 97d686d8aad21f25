import type { ConfigManifest } from '../manifest/config.ts';
import type { Json } from '../manifest/expression.ts';
import type { ConfigValues, Inputs, Instance } from '../manifest/inputs.ts';
import type { ServiceManifest } from '../manifest/manifest.ts';
import { configDir, logDir, packageDir } from '../paths.ts';
import { resolveValue } from './values.ts';

/** By config and property, as on a host. */
export type Values = Readonly<Record<string, Readonly<Record<string, Json>>>>;

/** What a template sees: frozen plain data. */
export interface TemplateContext {
  /** This config's values by property; null for an optional one without a value. */
  readonly config: Readonly<Record<string, Json>>;
  /** Values of every config of the service. */
  readonly values: Values;
  readonly self: Readonly<Record<string, Json>>;
  /** Host components by component, by ordinal, each with its own `values` and whether it is leaving. */
  readonly instances: Readonly<Record<string, readonly object[]>>;
  readonly imports: Inputs['imports'];
  /** Directory of each unpacked package. */
  readonly packages: Readonly<Record<string, string>>;
}

/** What the templates of every config of a component see. */
export function templateContext(
  service: ServiceManifest,
  inputs: Inputs,
  values: Values,
): Omit<TemplateContext, 'config'> {
  const { self } = inputs;
  const packages = Object.fromEntries(
    service.packages.map((product) => [product.name, packageDir(self.root, product.name, product.version)]),
  );
  const first = service.packages[0];
  const { overrides: _, ...facts } = self;
  return deepFreeze({
    values,
    packages,
    imports: importsOf(service, inputs.imports),
    self: {
      ...facts,
      javaHome: self.javaHome ?? null,
      configDir: configDir(self),
      logDir: logDir(self),
      packageDir: first ? (packages[first.name] ?? null) : null,
    },
    instances: Object.fromEntries(
      service.components.map(({ name }) => [name, instancesOf(name, service.configs, inputs, values)]),
    ),
  });
}

/** A service that may be absent, and is, is null: `{{#if imports.zookeeper}}` tells. */
function importsOf(service: ServiceManifest, given: Inputs['imports']): Inputs['imports'] {
  const absent = service.requires.services.filter(
    ({ service: name, optional }) => optional && !Object.hasOwn(given, name),
  );
  return structuredClone({
    ...given,
    ...Object.fromEntries(absent.map(({ service: name }) => [name, null])),
  }) as Inputs['imports'];
}

function instancesOf(name: string, configs: readonly ConfigManifest[], inputs: Inputs, own: Values): object[] {
  const shifted = inputs.self.local && configs.some((config) => config.properties.some((p) => p.offsetByOrdinal));
  return (inputs.instances[name] ?? [])
    .toSorted((a, b) => a.ordinal - b.ordinal)
    .map((instance) => ({
      host: instance.host,
      address: instance.address,
      ordinal: instance.ordinal,
      leaving: instance.leaving ?? false,
      values: instance.overrides || shifted ? resolveInstance(configs, inputs, instance) : own,
    }));
}

function resolveInstance(configs: readonly ConfigManifest[], inputs: Inputs, instance: Instance): Values {
  return resolveAll(configs, { ...inputs, values: merged(inputs.values, instance.overrides ?? {}) }, instance.ordinal);
}

function merged(values: ConfigValues, overrides: ConfigValues): ConfigValues {
  const changed = Object.entries(overrides).map(([config, own]) => [config, { ...values[config], ...own }]);
  return { ...values, ...Object.fromEntries(changed) };
}

/** Every declared property of every config as it is on a host. */
export function resolveAll(configs: readonly ConfigManifest[], inputs: Inputs, ordinal: number): Values {
  const { root, local } = inputs.self;
  return Object.fromEntries(
    configs.map((config) => [
      config.name,
      Object.fromEntries(
        config.properties.map((property) => {
          const value = inputs.values[config.name]?.[property.name];
          const resolved = value === undefined ? null : resolveValue(property, value, { root, local, ordinal });
          return [property.name, typeof resolved === 'object' ? structuredClone(resolved) : resolved];
        }),
      ),
    ]),
  );
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
