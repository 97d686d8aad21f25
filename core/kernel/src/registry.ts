import { LateRegistrationError } from './errors.ts';
import type { Registrar } from './plugin.ts';
import { type Class, dependenciesOf } from './provide.ts';
import type { Dependency } from './token.ts';

/** Where an answer to a token, or an item of a point, comes from. */
export type Source = { readonly cls: Class } | { readonly value: unknown };

/** One thing that was registered. */
export interface Entry {
  readonly kind: 'one' | 'all';
  /** Id of the token or point. */
  readonly id: string;
  /** Id of the plugin that registered it; undefined for values the application gave. */
  readonly plugin: string | undefined;
  readonly source: Source;
}

/** A registrar for one plugin: `entries` fills while `register` runs; after `close` every call throws. */
export function openRegistrar(plugin: string): { registrar: Registrar; entries: readonly Entry[]; close: () => void } {
  const entries: Entry[] = [];
  let open = true;
  function add(kind: Entry['kind'], id: string, source: Source): Registrar {
    if (!open) throw new LateRegistrationError({ plugin, token: id });
    entries.push({ kind, id, plugin, source });
    return registrar;
  }
  const registrar: Registrar = {
    provide: (token, cls) => add('one', token.id, { cls }),
    value: (token, value) => add('one', token.id, { value }),
    contribute: (point, item) =>
      add('all', point.id, typeof item === 'function' ? { cls: item } : { value: item.value }),
  };
  return { registrar, entries, close: () => (open = false) };
}

/** What the class of an entry takes; nothing for a value. */
export function takenBy({ source }: Entry): readonly Dependency<unknown>[] {
  return 'cls' in source ? (dependenciesOf(source.cls) ?? []) : [];
}

/** Finds the entries that answer a dependency. */
export function indexEntries(entries: readonly Entry[]): (dependency: Dependency<unknown>) => readonly Entry[] {
  const byKey = groupBy(entries, ({ kind, id }) => `${kind} ${id}`);
  return ({ kind, id }) => byKey.get(`${kind} ${id}`) ?? [];
}

/** `Map.groupBy`, which the configured library does not know yet. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
