import { ConstructionError, NotProvidedError } from './errors.ts';
import { Logger } from './logger.ts';
import { type Entry, indexEntries, takenBy } from './registry.ts';
import type { Dependency } from './token.ts';
import { container as root, Lifecycle } from './tsyringe.ts';

/** Makes and keeps the one instance of every class of a checked wiring. */
export interface Container {
  /** Gives the instance, value or list; `plugin` is who asks, undefined for the application. */
  resolve<T>(dependency: Dependency<T>, plugin?: string): T;
  /** Makes what a plugin registered, after all that it takes. */
  construct(plugin: string): void;
}

/** @throws ConstructionError, later, when a constructor throws. */
export function createContainer(entries: readonly Entry[]): Container {
  const container = root.createChildContainer();
  const find = indexEntries(entries);
  const made = new Set<Entry>();
  let asking: string | undefined;

  for (const { id, source } of entries) {
    if ('cls' in source) {
      // One instance for each class, however many tokens and points it answers.
      if (!container.isRegistered(source.cls))
        container.register(source.cls as never, { useClass: source.cls }, { lifecycle: Lifecycle.Singleton });
      container.register(id, { useToken: source.cls });
    } else if (id === Logger.id) {
      const loggers = new Map<string | undefined, Logger>([[undefined, source.value as Logger]]);
      container.register(id, { useFactory: () => childOf(loggers, asking) });
    } else {
      // By a factory, because tsyringe takes `useValue: undefined` or `null` for no provider at all.
      container.register(id, { useFactory: () => source.value });
    }
  }

  /** Bottom up, so that tsyringe meets one new class at a time and its error is the constructor's own. */
  function make(entry: Entry): void {
    if (made.has(entry)) return;
    for (const taken of takenBy(entry)) find(taken).forEach(make);
    made.add(entry);
    if (!('cls' in entry.source)) return;
    const { cls } = entry.source;
    asking = entry.plugin;
    try {
      container.resolve(cls);
    } catch (reason) {
      throw new ConstructionError({ className: cls.name, reason }, { cause: reason });
    }
  }

  return {
    construct: (plugin) => entries.filter((entry) => entry.plugin === plugin).forEach(make),
    resolve<T>(dependency: Dependency<T>, plugin?: string): T {
      const { kind, id } = dependency;
      const answers = find(dependency);
      answers.forEach(make);
      asking = plugin;
      if (kind === 'all') return (answers.length > 0 ? container.resolveAll(id) : []) as T;
      if (answers.length === 0) throw new NotProvidedError({ token: id });
      return container.resolve<T>(id);
    },
  };
}

/** A plugin's own logger says in every line which plugin speaks. */
function childOf(loggers: Map<string | undefined, Logger>, plugin: string | undefined): Logger | undefined {
  if (!loggers.has(plugin)) loggers.set(plugin, loggers.get(undefined)!.child({ plugin }));
  return loggers.get(plugin);
}
