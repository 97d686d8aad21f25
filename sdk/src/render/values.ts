import type { ConfigManifest, PropertyManifest } from '../manifest/config.ts';
import type { Json, PropertyRef } from '../manifest/expression.ts';
import { hostPath } from '../paths.ts';

export function findProperty(configs: readonly ConfigManifest[], ref: PropertyRef): PropertyManifest | undefined {
  const config = configs.find((candidate) => candidate.name === ref.config);
  return config?.properties.find((candidate) => candidate.name === ref.property);
}

export function describeProperty(ref: PropertyRef): string {
  return `${ref.property} of ${ref.config}`;
}

/** Where a value is used. Without a root a directory stays as the operator wrote it. */
export interface Placement {
  readonly root: string | undefined;
  readonly local: boolean;
  readonly ordinal: number | undefined;
}

/** The one place where a stored value becomes what it is on a host. */
export function resolveValue(property: PropertyManifest, value: Json, placement: Placement): Json {
  const { root } = placement;
  if (root !== undefined) {
    if ((property.type === 'dir' || property.type === 'file') && typeof value === 'string')
      return hostPath(root, value);
    if (property.type === 'dirs' && Array.isArray(value)) return value.map((each) => hostPath(root, String(each)));
  }
  if (property.offsetByOrdinal && placement.local && typeof value === 'number') {
    return value + Number(property.offsetByOrdinal) * (placement.ordinal ?? 0);
  }
  return value;
}
