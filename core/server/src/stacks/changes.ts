import { isDeepStrictEqual } from 'node:util';
import type { StackManifest } from '@stackyard/sdk/manifest';

/** One thing that differs between two versions of a stack. */
export interface StackChange {
  readonly change: 'added' | 'removed' | 'changed';
  readonly what: 'service' | 'component' | 'property';
  /** `service`, `service/component` or `service/config/property`. */
  readonly name: string;
  readonly from?: string;
  readonly to?: string;
}

/** What one version of a stack has that another has not: services, components, and properties with other definitions. */
export function stackChanges(before: StackManifest, after: StackManifest): StackChange[] {
  const [old, now] = [factsOf(before), factsOf(after)];
  const changes: StackChange[] = [];
  for (const [name, { what, definition, shown }] of now) {
    const was = old.get(name);
    if (!was) changes.push({ change: 'added', what, name, ...(shown === undefined ? {} : { to: shown }) });
    // A manifest that comes out of the database has its keys in another order.
    else if (!isDeepStrictEqual(was.definition, definition))
      changes.push({
        change: 'changed',
        what,
        name,
        ...(was.shown === undefined || was.shown === shown ? {} : { from: was.shown }),
        ...(shown === undefined || was.shown === shown ? {} : { to: shown }),
      });
  }
  for (const [name, { what }] of old) if (!now.has(name)) changes.push({ change: 'removed', what, name });
  return changes;
}

interface Fact {
  readonly what: StackChange['what'];
  /** Differs when the thing does. */
  readonly definition: unknown;
  /** What people are told of it. */
  readonly shown?: string | undefined;
}

function factsOf({ services }: StackManifest): Map<string, Fact> {
  const facts = new Map<string, Fact>();
  for (const service of services) {
    facts.set(service.name, { what: 'service', definition: service.version, shown: service.version });
    for (const { name, ...component } of service.components)
      facts.set(`${service.name}/${name}`, { what: 'component', definition: component });
    for (const config of service.configs)
      for (const property of config.properties)
        facts.set(`${service.name}/${config.name}/${property.name}`, { what: 'property', definition: property });
  }
  return facts;
}
