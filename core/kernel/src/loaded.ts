import type { Plugin } from './plugin.ts';
import type { Entry } from './registry.ts';
import { type Token, token } from './token.ts';

/** What one plugin brings, by the ids of tokens and points. */
export interface LoadedPlugin {
  readonly id: string;
  readonly needs: readonly string[];
  readonly provides: readonly string[];
  /** A point as often as it was contributed to. */
  readonly contributes: readonly string[];
}

/** The plugins of the kernel. Every kernel has it, as it has a Logger. */
export interface LoadedPlugins {
  list(): readonly LoadedPlugin[];
  /** Ids of the contributors to a point, in the order in which `each(point)` gives their items. */
  contributorsOf(point: Token<unknown>): readonly string[];
}
export const LoadedPlugins = token<LoadedPlugins>('kernel.LoadedPlugins');

export function loadedPlugins(plugins: readonly Plugin[], entries: readonly Entry[]): LoadedPlugins {
  const idsOf = (plugin: string, kind: Entry['kind']) =>
    entries.filter((entry) => entry.plugin === plugin && entry.kind === kind).map(({ id }) => id);
  const list = plugins.map(({ id, needs }) => ({
    id,
    needs: needs.map((need) => need.id),
    provides: idsOf(id, 'one'),
    contributes: idsOf(id, 'all'),
  }));
  return {
    list: () => list,
    contributorsOf: (point) =>
      entries.flatMap(({ kind, id, plugin }) => (kind === 'all' && id === point.id ? [plugin ?? ''] : [])),
  };
}
