import { check, contributingPlugins, neededPlugins, type Problem, type Wiring } from './check.ts';
import { Clock, systemClock } from './clock.ts';
import { type Container, createContainer } from './container.ts';
import { KernelClosedError, KernelStopError, NotAskedForError, PluginStartError, WiringError } from './errors.ts';
import { order } from './graph.ts';
import { LoadedPlugins, loadedPlugins } from './loaded.ts';
import { createLogger, Logger } from './logger.ts';
import type { Plugin, PluginContext, Undo } from './plugin.ts';
import { type Entry, openRegistrar } from './registry.ts';
import type { Dependency, Token } from './token.ts';

/** Collects values and plugins, then starts them. */
export interface Kernel {
  /** Gives a token its value, such as a fake in a test. */
  value<T>(token: Token<T>, value: NoInfer<T>): Kernel;
  /** Adds plugins; their order matters only for the order of contributions. */
  load(...plugins: readonly Plugin[]): Kernel;
  /**
   * Registers all plugins, checks all, then starts all, each after the plugins it needs.
   *
   * @throws WiringError with every problem of the set, before any constructor ran.
   * @throws PluginStartError when a plugin does not start; what had started is undone by then.
   */
  start(): Promise<RunningKernel>;
}

/** A kernel whose plugins have started. */
export interface RunningKernel {
  /** For the composition root and for tests; plugins resolve through their own context. */
  resolve<T>(dependency: Dependency<T>): T;
  /**
   * Undoes the starts in reverse order; every undo runs, also after one that fails. A second call gives the same promise.
   *
   * @throws KernelStopError with the errors of all undos that failed.
   */
  stop(): Promise<void>;
}

interface Started {
  readonly plugin: Plugin;
  readonly undo: Undo;
}

/**
 * Makes an empty kernel. `Logger`, `Clock` and `LoadedPlugins` answer also when nobody provides
 * them: with silence, the system's time, and what was loaded.
 *
 * @example
 * const kernel = await createKernel().value(MetricsQuery, fake).load(alerts, pager).start();
 */
export function createKernel(): Kernel {
  const values: Entry[] = [];
  const plugins: Plugin[] = [];
  let open = true;
  function guard(call: string): void {
    if (!open) throw new KernelClosedError({ call });
  }
  const kernel: Kernel = {
    value(token, value) {
      guard(`value("${token.id}")`);
      values.push(valueEntry(token, value));
      return kernel;
    },
    load(...more) {
      guard('load()');
      plugins.push(...more);
      return kernel;
    },
    async start() {
      guard('start()');
      open = false;
      return startAll(wire(plugins, values));
    },
  };
  return kernel;
}

function valueEntry<T>(token: Token<T>, value: T): Entry {
  return { kind: 'one', id: token.id, plugin: undefined, source: { value } };
}

/** Lets every plugin register, then checks the whole. */
function wire(plugins: readonly Plugin[], values: readonly Entry[]): Wiring {
  const problems: Problem[] = [];
  const entries: Entry[] = [...values];
  for (const plugin of plugins) {
    const { registrar, entries: own, close } = openRegistrar(plugin.id);
    try {
      const returned: unknown = plugin.register?.(registrar);
      if (returned instanceof Promise) {
        // Its rejection is of no use: the sentence below says what to change.
        returned.catch(() => undefined);
        throw new Error('it is asynchronous. Do what has to be waited for in start.');
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const sentence = `The register of plugin "${plugin.id}" failed: ${reason}`;
      problems.push({ kind: 'REGISTER_FAILED', sentence, plugin: plugin.id });
    } finally {
      close();
    }
    entries.push(...own);
  }
  const defaults = [
    valueEntry(Logger, createLogger({ level: 'silent' })),
    valueEntry(Clock, systemClock),
    valueEntry(LoadedPlugins, loadedPlugins(plugins, entries)),
  ];
  for (const entry of defaults) if (!entries.some(({ id }) => id === entry.id)) entries.push(entry);

  const wiring = { plugins, entries };
  problems.push(...check(wiring));
  if (problems.length > 0) throw new WiringError({ problems });
  return wiring;
}

async function startAll(wiring: Wiring): Promise<RunningKernel> {
  const container = createContainer(wiring.entries);
  const log = container.resolve(Logger, 'kernel');
  const started: Started[] = [];
  const sequence = order(
    wiring.plugins,
    (plugin) => neededPlugins(plugin, wiring),
    (plugin) => contributingPlugins(plugin, wiring),
  );
  for (const plugin of sequence) {
    try {
      container.construct(plugin.id);
      const undo = await plugin.start?.(contextOf(plugin, wiring, container));
      if (undo) started.push({ plugin, undo });
      log.debug({ started: plugin.id }, 'Plugin started');
    } catch (reason) {
      const failures = await undoAll(started);
      const notUndone = failures.map((failure) => failure.plugin);
      throw new PluginStartError({ plugin: plugin.id, reason, notUndone }, { cause: reason });
    }
  }
  let stopping: Promise<void> | undefined;
  return {
    resolve: (dependency) => container.resolve(dependency),
    stop: () => (stopping ??= stopAll(started)),
  };
}

function contextOf(plugin: Plugin, { entries }: Wiring, container: Container): PluginContext {
  const asked = [...plugin.needs, ...entries.filter((entry) => entry.plugin === plugin.id && entry.kind === 'one')];
  const allowed = new Set(asked.map(({ kind, id }) => `${kind} ${id}`));
  return {
    id: plugin.id,
    resolve(dependency) {
      const { kind, id } = dependency;
      if (!allowed.has(`${kind} ${id}`)) throw new NotAskedForError({ plugin: plugin.id, token: id });
      return container.resolve(dependency, plugin.id);
    },
  };
}

async function stopAll(started: readonly Started[]): Promise<void> {
  const failures = await undoAll(started);
  if (failures.length === 0) return;
  const plugins = failures.map(({ plugin }) => plugin);
  const reasons = failures.map(({ reason }) => reason);
  throw new KernelStopError({ plugins, reasons }, { cause: new AggregateError(reasons) });
}

async function undoAll(started: readonly Started[]): Promise<readonly { plugin: string; reason: unknown }[]> {
  const failures: { plugin: string; reason: unknown }[] = [];
  for (const { plugin, undo } of started.toReversed()) {
    try {
      await undo();
    } catch (reason) {
      failures.push({ plugin: plugin.id, reason });
    }
  }
  return failures;
}
