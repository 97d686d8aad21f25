import type { PropertyManifest } from '../manifest/config.ts';
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
 * and ports stay as the operator knows them. Properties without any value are left out.
 * @throws ExpressionError for a default that cannot be computed or that needs itself.
 */
export function effectiveValues(sources: EffectiveSources): ConfigValues {
  const resolved: Record<string, Record<string, Json>> = {};
  const pending = new Set<string>();

  function resolve(ref: PropertyRef): void {
    const property = findProperty(sources.service.configs, ref);
    if (!property || resolved[ref.config]?.[ref.property] !== undefined) return;
    const key = JSON.stringify([ref.config, ref.property]);
    if (pending.has(key)) {
      throw new ExpressionError(
        `service ${sources.service.name}`,
        `the default of ${describeProperty(ref)} needs itself`,
      );
    }
    pending.add(key);
    const value = inUse(property, ref) ? (given(sources, ref) ?? computed(property, ref)) : undefined;
    pending.delete(key);
    if (value !== undefined) (resolved[ref.config] ??= {})[ref.property] = value;
  }

  function inUse({ when }: PropertyManifest, ref: PropertyRef): boolean {
    return when === undefined || valueOf(when, sources.self, `condition of ${describeProperty(ref)}`) === true;
  }

  function computed(property: PropertyManifest, ref: PropertyRef): Json | undefined {
    if (property.default === undefined) return undefined;
    if ('literal' in property.default) return property.default.literal;
    const value = valueOf(property.default, placedFor(property, sources.self), `default of ${describeProperty(ref)}`);
    return typeof value === 'number' ? withinBounds(property, value) : value;
  }

  function valueOf(expression: Expression, self: Self | undefined, place: string): Json {
    referencesOf(expression).forEach(resolve);
    return evaluate(expression, {
      service: sources.service,
      place,
      inputs: {
        self,
        values: resolved,
        instances: sources.instances ?? {},
        imports: sources.imports ?? {},
        facts: sources.facts,
      },
    });
  }

  for (const config of sources.service.configs) {
    resolved[config.name] ??= {};
    for (const property of config.properties) resolve({ config: config.name, property: property.name });
  }
  return resolved;
}

function given(
  { overrides, values, generated }: EffectiveSources,
  { config, property }: PropertyRef,
): Json | undefined {
  return overrides?.[config]?.[property] ?? values[config]?.[property] ?? generated?.[config]?.[property];
}

/** A directory made of another directory, or a port of a port, is placed on the host once, when it is used. */
function placedFor(property: PropertyManifest, self: Self | undefined): Self | undefined {
  if (!self || (property.type !== 'dir' && property.type !== 'port')) return self;
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
