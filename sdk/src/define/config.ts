import type { ConfigManifest, Format, PropertyManifest } from '../manifest/config.ts';
import { called, defined } from './callSite.ts';
import { Expr, OWN, Property, type PropertyType } from './expression.ts';
import { type PropertyBuilder, propertyManifest } from './property.ts';

/** Where a config keeps what it serialises to; its own names belong to the properties. */
export const CONFIG: unique symbol = Symbol.for('stackyard.config');

/** Where a config lies on the host; it stands in arguments. */
export interface ConfigPath extends Expr<string> {
  /** Which config. */
  readonly expression: { readonly configPath: string };
}

/** A config, whatever its properties. */
export interface AnyConfig {
  /** Where its file lies on the host, for arguments of processes. */
  readonly path: ConfigPath;
  /** What it becomes in the manifest. */
  readonly [CONFIG]: ConfigManifest;
}

/** Properties as they are being described, by name. */
export type Builders = Readonly<Record<string, PropertyBuilder<PropertyType, unknown>>>;
/** Each builder as the property that it becomes. */
export type Properties<P extends Builders> = {
  readonly [N in keyof P]: P[N] extends PropertyBuilder<infer K, infer V> ? Property<K, V> : never;
};
/** A config with its properties by name, each of them its own reference. */
export type Config<P extends Builders> = Properties<P> & AnyConfig;

/**
 * What there is to say of a config besides its properties.
 * @example
 * defineConfig('broker.env', { heap: p.memory(512).help('Heap') }, { title: 'Environment', format: 'env', mode: 0o640, effect: 'rolling' })
 */
export interface ConfigOptions {
  /** What people call it; its name when absent. */
  readonly title?: string;
  /** Told by the name's extension when absent. */
  readonly format?: Format;
  /** A file of templates/. When absent: `templates/<name>.hbs` where there is one, else all properties are written. */
  readonly template?: string;
  /** False for values that only expressions and functions use. */
  readonly file?: boolean;
  /** As in chmod; 0o644 when absent. */
  readonly mode?: number;
  /** What a change asks for unless a property says otherwise; restart when absent. */
  readonly effect?: PropertyManifest['effect'];
}

const FORMATS: Readonly<Record<string, Format>> = {
  cfg: 'properties',
  conf: 'properties',
  properties: 'properties',
  xml: 'xml',
  yaml: 'yaml',
  yml: 'yaml',
  json: 'json',
  ini: 'ini',
  env: 'env',
};

/**
 * A config file, or a set of values, with its typed properties.
 * @example
 * const zooCfg = defineConfig('zoo.cfg', { clientPort: p.port(2181).help('Port that clients connect to') });
 */
export function defineConfig<const P extends Builders>(
  name: string,
  properties: P & { readonly path?: never },
  options: ConfigOptions = {},
): Config<P> {
  const effect = options.effect ?? 'restart';
  const manifest: ConfigManifest = {
    name,
    ...(options.title === undefined ? {} : { title: options.title }),
    ...(options.template === undefined ? {} : { template: options.template }),
    ...(options.mode === undefined ? {} : { mode: options.mode }),
    format: options.format ?? formatOf(name, options.file ?? true),
    file: options.file ?? true,
    effect,
    properties: Object.entries(properties as Builders).map(([property, builder]) =>
      called(named(name, propertyManifest(property, builder, effect)), defineConfig, builder),
    ),
  };
  const references = Object.entries(properties as Builders).map(([property, { kind }]) => [
    property,
    new Property({ config: name, property }, kind),
  ]);
  const config = Object.freeze({
    ...Object.fromEntries(references),
    path: new Expr<string>({ configPath: name }),
    [CONFIG]: manifest,
  }) as Config<P>;
  // The manifest stands for the config from here on.
  called(defined('config', name, manifest, defineConfig), defineConfig);
  return config;
}

/** `own('x')` becomes the property x of this config. */
function named(config: string, property: PropertyManifest): PropertyManifest {
  const inPlace = <T>(value: T): T => {
    if (Array.isArray(value)) return value.map(inPlace) as T;
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([key, part]): [string, unknown] => [key, inPlace<unknown>(part)]);
    return Object.fromEntries(
      entries.map(([key, part]) => [key, key === 'config' && part === OWN ? config : part]),
    ) as T;
  };
  return {
    ...property,
    ...(property.default ? { default: inPlace(property.default) } : {}),
    ...(property.when ? { when: inPlace(property.when) } : {}),
  };
}

/** Stands for a format that the name of the config does not tell. */
const UNTOLD = 'untold';

function formatOf(name: string, isFile: boolean): Format {
  const format = FORMATS[/\.([a-z]+)$/.exec(name)?.[1] ?? ''];
  if (format) return format;
  if (!isFile) return 'text';
  // Found with all else that is wrong, when the stack becomes a manifest.
  return UNTOLD as Format;
}
