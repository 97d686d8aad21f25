import { findCycles } from './graph.ts';
import type { Plugin } from './plugin.ts';
import { dependenciesOf } from './provide.ts';
import { type Entry, groupBy, indexEntries, takenBy } from './registry.ts';

/** Why plugins do not fit together: a stable kind, and a sentence that ends in a remedy. */
export interface Problem {
  readonly kind:
    | 'PLUGIN_TWICE'
    | 'REGISTER_FAILED'
    | 'DOUBLED'
    | 'MISSING'
    | 'UNDECLARED'
    | 'UNLISTED'
    | 'MIXED'
    | 'CYCLE'
    | 'PLUGIN_CYCLE';
  readonly sentence: string;
  /** The one plugin without which it would not be so, where there is one. */
  readonly plugin?: string;
}

/** Everything that was loaded into a kernel. */
export interface Wiring {
  readonly plugins: readonly Plugin[];
  readonly entries: readonly Entry[];
}

/** All that is wrong with a wiring, without running a constructor; empty when it can start. */
export function check(wiring: Wiring): readonly Problem[] {
  return [doubledPlugins, doubledTokens, mixed, unlisted, missing, undeclared, cycles].flatMap((rule) => rule(wiring));
}

function doubledPlugins({ plugins }: Wiring): Problem[] {
  return [...groupBy(plugins, ({ id }) => id)]
    .filter(([, same]) => same.length > 1)
    .map(([id, same]) => ({
      kind: 'PLUGIN_TWICE',
      sentence: `Plugin "${id}" is loaded ${same.length} times. Load it once.`,
    }));
}

function doubledTokens({ entries }: Wiring): Problem[] {
  const providers = entries.filter(({ kind }) => kind === 'one');
  return [...groupBy(providers, ({ id }) => id)]
    .filter(([, same]) => same.length > 1)
    .map(([id, same]) => ({
      kind: 'DOUBLED',
      sentence: `"${id}" is provided ${same.length} times, by ${same.map(origin).join(' and ')}. Keep one of them, or make it an extension point with contribute().`,
    }));
}

function mixed({ plugins, entries }: Wiring): Problem[] {
  const point = new Set(entries.filter(({ kind }) => kind === 'all').map(({ id }) => id));
  const single = new Set(entries.filter(({ kind }) => kind === 'one').map(({ id }) => id));
  const asked = [...plugins.flatMap(({ needs }) => needs), ...entries.flatMap(takenBy)];
  const wrong = new Map<string, string>();
  for (const id of point) if (single.has(id)) wrong.set(id, `"${id}" is both provided and contributed to. Choose one.`);
  for (const { kind, id } of asked) {
    if (wrong.has(id)) continue;
    if (kind === 'one' && point.has(id)) wrong.set(id, `"${id}" is an extension point. Ask for it with each().`);
    if (kind === 'all' && single.has(id))
      wrong.set(id, `"${id}" has one provider and is no extension point. Ask for it without each().`);
  }
  return [...wrong.values()].map((sentence) => ({ kind: 'MIXED', sentence }));
}

function unlisted({ entries }: Wiring): Problem[] {
  return entries.flatMap(({ source, plugin }) =>
    'cls' in source && source.cls.length > 0 && dependenciesOf(source.cls) === undefined
      ? [
          {
            kind: 'UNLISTED',
            sentence: `The constructor of ${source.cls.name} (plugin "${plugin}") takes arguments, but no tokens are listed for it. Write provide(${source.cls.name}, …) beside the class.`,
            ...(plugin === undefined ? {} : { plugin }),
          },
        ]
      : [],
  );
}

/** Needs nobody provides: one problem for each token, naming all who need it. */
function missing({ plugins, entries }: Wiring): Problem[] {
  const known = new Set(entries.map(({ id }) => id));
  const asked = [
    ...plugins.flatMap(({ id, needs }) => needs.map((need) => ({ who: `plugin "${id}"`, plugin: id, need }))),
    ...entries.flatMap((entry) => takenBy(entry).map((need) => ({ who: origin(entry), plugin: entry.plugin, need }))),
  ];
  const absent = groupBy(
    asked.filter(({ need }) => need.kind === 'one' && !known.has(need.id)),
    ({ need }) => need.id,
  );
  return [...absent].map(([id, by]) => {
    const [plugin, ...others] = new Set(by.map((asker) => asker.plugin));
    return {
      kind: 'MISSING',
      sentence: `Nobody provides "${id}", needed by ${[...new Set(by.map(({ who }) => who))].join(' and ')}. Load a plugin that provides it, or give it with value().`,
      ...(plugin === undefined || others.length > 0 ? {} : { plugin }),
    };
  });
}

/** Dependencies of classes that their plugin does not own up to. */
function undeclared({ plugins, entries }: Wiring): Problem[] {
  const find = indexEntries(entries);
  return plugins.flatMap((plugin) => {
    const own = entries.filter((entry) => entry.plugin === plugin.id);
    const allowed = new Set([...plugin.needs, ...own].filter(({ kind }) => kind === 'one').map(({ id }) => id));
    return own.flatMap((entry) =>
      takenBy(entry)
        .filter((taken) => taken.kind === 'one' && !allowed.has(taken.id) && find(taken).length > 0)
        .map(({ id }) => ({
          kind: 'UNDECLARED' as const,
          sentence: `${nameOf(entry)} takes "${id}", which plugin "${plugin.id}" neither needs nor provides. Add it to the plugin's needs.`,
          plugin: plugin.id,
        })),
    );
  });
}

function cycles({ plugins, entries }: Wiring): Problem[] {
  const find = indexEntries(entries);
  const ofTokens = findCycles(entries, (entry) => takenBy(entry).flatMap((taken) => find(taken)));
  const knotted = new Set(ofTokens.flat().map(({ plugin }) => plugin));
  const ofPlugins = findCycles(plugins, (plugin) => neededPlugins(plugin, { plugins, entries }));
  return [
    ...ofTokens.map((path): Problem => {
      const steps = path.map((entry) => `${entry.id} (${nameOf(entry)})`);
      return {
        kind: 'CYCLE',
        sentence: `These need each other: ${arrows(steps)}. Break the circle: move what both use into a third class, or announce it through an extension point.`,
      };
    }),
    ...ofPlugins
      // The circle of tokens was told already; its plugins go in the same circle.
      .filter((path) => !path.every(({ id }) => knotted.has(id)))
      .map((path): Problem => {
        const steps = path.map(({ id }) => id);
        return {
          kind: 'PLUGIN_CYCLE',
          sentence: `These plugins need each other, so none can start first: ${arrows(steps)}. Let one of them contribute to an extension point instead.`,
        };
      }),
  ];
}

/** The plugins that provide what a plugin needs. */
export function neededPlugins(plugin: Plugin, { plugins, entries }: Wiring): readonly Plugin[] {
  const needed = new Set(plugin.needs.filter(({ kind }) => kind === 'one').map(({ id }) => id));
  return owners(
    plugins,
    entries.filter(({ kind, id }) => kind === 'one' && needed.has(id)),
  ).filter((other) => other !== plugin);
}

/** The plugins that contribute to the points a plugin reads, itself or through its classes. */
export function contributingPlugins(plugin: Plugin, { plugins, entries }: Wiring): readonly Plugin[] {
  const taken = entries.filter((entry) => entry.plugin === plugin.id).flatMap(takenBy);
  const points = new Set([...plugin.needs, ...taken].filter(({ kind }) => kind === 'all').map(({ id }) => id));
  return owners(
    plugins,
    entries.filter(({ kind, id }) => kind === 'all' && points.has(id)),
  ).filter((other) => other !== plugin);
}

function owners(plugins: readonly Plugin[], entries: readonly Entry[]): readonly Plugin[] {
  const ids = new Set(entries.map(({ plugin }) => plugin));
  return plugins.filter(({ id }) => ids.has(id));
}

function nameOf({ source }: Entry): string {
  return 'cls' in source ? source.cls.name : 'a value';
}

function origin(entry: Entry): string {
  return entry.plugin === undefined ? 'value() of the kernel' : `plugin "${entry.plugin}" (${nameOf(entry)})`;
}

/** A path as one line; the middle of a long one is left out, so that an error stays readable. */
function arrows(steps: readonly string[]): string {
  const most = 8;
  const shown =
    steps.length <= most
      ? steps
      : [...steps.slice(0, most - 2), `… ${steps.length - most + 1} more …`, ...steps.slice(-1)];
  return shown.join(' → ');
}
