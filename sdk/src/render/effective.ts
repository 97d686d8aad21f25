import type { ConfigManifest, PropertyManifest } from '../manifest/config.ts';
import type { Expression, Json, PropertyRef } from '../manifest/expression.ts';
import type { ConfigValues, HostFacts, Inputs, Self } from '../manifest/inputs.ts';
import type { ServiceManifest } from '../manifest/manifest.ts';
import { partsOf } from '../manifest/walk.ts';
import { ExpressionError } from './errors.ts';
import { evaluate } from './evaluate.ts';
import { describeProperty, findProperty } from './values.ts';

export interface EffectiveSources {
  readonly service: ServiceManifest;
  /** What the operator set for the service. */
  readonly values: ConfigValues;
  /** What the operator set for this host; stronger than `values`. */
  readonly overrides?: ConfigValues | undefined;
  /** What the server made once for the service. */
  readonly generated?: ConfigValues | undefined;
  readonly facts: HostFacts;
  /** Needed only by defaults that name other host components, exports or facts of the host component. */
  readonly instances?: Inputs['instances'] | undefined;
  readonly imports?: Inputs['imports'] | undefined;
  readonly self?: Self | undefined;
}

const WHOLE = new Set<PropertyManifest['type']>(['int', 'port', 'memory', 'duration']);

/**
 * The values a host component runs with: overrides before values before generated ones before defaults. Directories
 * and ports stay as the operator knows them. Properties without any value are left out, and so are those out of use.
 * @throws ExpressionError for a default that cannot be computed or that needs itself.
 */
export function effectiveValues(sources: EffectiveSources): ConfigValues {
  const resolution = new Resolution(sources);
  for (const config of sources.service.configs) {
    resolution.resolved[config.name] ??= {};
    for (const property of config.properties) resolution.resolve({ config: config.name, property: property.name });
  }
  return resolution.resolved;
}

/** What a service's configs are and what was set in them. */
export interface ServiceValues extends Pick<EffectiveSources, 'values' | 'generated'> {
  readonly configs: readonly ConfigManifest[];
}

/**
 * Whether a property with a condition is used with these values of its service. Undefined where that depends on the
 * host: on its facts, on what else is there, or on a value that is missing.
 */
export function conditionHolds(
  { when }: Pick<PropertyManifest, 'when'>,
  { configs, values, generated }: ServiceValues,
): boolean | undefined {
  if (!when) return true;
  if (dependsOnHost(when, { configs, values, seen: new Set() })) return undefined;
  const service = { name: '', configs, components: [], packages: [] } as unknown as ServiceManifest;
  try {
    return new Resolution({ service, values, generated, facts: NO_FACTS }).isTrue(when, 'condition');
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

/** Never read: what asks for facts depends on the host. */
const NO_FACTS: HostFacts = { cpus: 0, memory: 0, disk: 0 };

interface Dependence {
  readonly configs: readonly ConfigManifest[];
  readonly values: ConfigValues;
  readonly seen: Set<string>;
}

function dependsOnHost(expression: Expression, dependence: Dependence): boolean {
  const { configs, values, seen } = dependence;
  return partsOf(expression).some((part) => {
    if ('literal' in part || 'concat' in part || 'op' in part || 'choose' in part || 'orElse' in part) return false;
    if (!('property' in part)) return true;
    const { property: ref } = part;
    const property = findProperty(configs, ref);
    const key = JSON.stringify([ref.config, ref.property]);
    if (!property || seen.has(key)) return false;
    seen.add(key);
    const isGiven = values[ref.config]?.[ref.property] !== undefined;
    return [property.when, isGiven ? undefined : property.default].some(
      (needed) => needed !== undefined && dependsOnHost(needed, dependence),
    );
  });
}

/** Values as they become known: each property when it is asked for, with all that it needs. */
class Resolution {
  readonly resolved: Record<string, Record<string, Json>> = {};
  readonly #sources: EffectiveSources;
  readonly #pending = new Set<string>();

  constructor(sources: EffectiveSources) {
    this.#sources = sources;
  }

  resolve(ref: PropertyRef): void {
    const property = findProperty(this.#sources.service.configs, ref);
    if (!property || this.resolved[ref.config]?.[ref.property] !== undefined) return;
    const key = JSON.stringify([ref.config, ref.property]);
    if (this.#pending.has(key)) {
      throw new ExpressionError(
        `service ${this.#sources.service.name}`,
        `the default of ${describeProperty(ref)} needs itself`,
      );
    }
    this.#pending.add(key);
    const value = this.#isInUse(property, ref)
      ? (given(this.#sources, ref) ?? this.#computed(property, ref))
      : undefined;
    this.#pending.delete(key);
    if (value !== undefined) (this.resolved[ref.config] ??= {})[ref.property] = inOrder(value);
  }

  isTrue(condition: Expression, place: string): boolean {
    return this.#valueOf(condition, this.#sources.self, place) === true;
  }

  #isInUse({ when }: PropertyManifest, ref: PropertyRef): boolean {
    return when === undefined || this.isTrue(when, `condition of ${describeProperty(ref)}`);
  }

  #computed(property: PropertyManifest, ref: PropertyRef): Json | undefined {
    if (property.default === undefined) return undefined;
    if ('literal' in property.default) return property.default.literal;
    const self = placedFor(property, this.#sources.self);
    const value = this.#valueOf(property.default, self, `default of ${describeProperty(ref)}`);
    if (value === null) return undefined;
    return typeof value === 'number' ? withinBounds(property, value) : value;
  }

  #valueOf(expression: Expression, self: Self | undefined, place: string): Json {
    referencesOf(expression).forEach((ref) => this.resolve(ref));
    const { service, instances = {}, imports = {}, facts } = this.#sources;
    return evaluate(expression, { service, place, inputs: { self, values: this.resolved, instances, imports, facts } });
  }
}

/** A map by its keys: a database gives them back in an order of its own, and files must not differ by it. */
function inOrder(value: Json): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function given(
  { overrides, values, generated }: EffectiveSources,
  { config, property }: PropertyRef,
): Json | undefined {
  return overrides?.[config]?.[property] ?? values[config]?.[property] ?? generated?.[config]?.[property];
}

const PLACED = new Set<PropertyManifest['type']>(['dir', 'dirs', 'file', 'port']);

/** A directory made of another directory, or a port of a port, is placed on the host once, when it is used. */
function placedFor(property: PropertyManifest, self: Self | undefined): Self | undefined {
  if (!self || !PLACED.has(property.type)) return self;
  return { ...self, root: '/', local: false };
}

function withinBounds(property: PropertyManifest, value: number): number {
  const whole = WHOLE.has(property.type) ? Math.floor(value) : value;
  return Math.min(Math.max(whole, property.min ?? -Infinity), property.max ?? Infinity);
}

/** Every property that an expression names. */
export function referencesOf(expression: Expression): PropertyRef[] {
  return partsOf(expression).flatMap((part) => {
    if ('property' in part) return [part.property];
    return 'hostPorts' in part ? [part.hostPorts.port] : [];
  });
}
