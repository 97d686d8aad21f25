import type { Json, PropertyManifest, ServiceManifest } from '@stackyard/sdk/manifest';
import { checkValue } from '@stackyard/sdk/render';
import type { Values } from '../api/types.ts';

/** Types whose values can be moved by one without knowing what they mean. */
const MOVABLE = new Set<PropertyManifest['type']>(['int', 'duration', 'memory', 'float']);

/** A value of a service that a test can change: a number of a file, by one within its bounds. */
export function changeOf({ configs }: ServiceManifest, set: Values): Values | undefined {
  for (const { name: config, file, properties } of configs) {
    for (const property of properties) {
      if (!file || property.effect === 'pinned' || !MOVABLE.has(property.type)) continue;
      const now = (set[config]?.[property.name] as Json | undefined) ?? literalOf(property);
      const next = typeof now === 'number' ? [now + 1, now - 1].find((each) => !checkValue(property, each)) : undefined;
      if (next !== undefined) return { [config]: { [property.name]: next } };
    }
  }
  return undefined;
}

function literalOf({ default: value }: PropertyManifest): Json | undefined {
  return value && 'literal' in value ? value.literal : undefined;
}

/** Values with others on top, two levels deep. */
export function merged(values: Values, more: Values): Values {
  const changed = Object.entries(more).map(([config, own]) => [config, { ...values[config], ...own }] as const);
  return { ...values, ...Object.fromEntries(changed) };
}
