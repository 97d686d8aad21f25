import { PluginIdError } from './errors.ts';
import type { Class } from './provide.ts';
import type { Dependency, Token } from './token.ts';

// A registered symbol, so that a plugin built against another copy of this package is recognised too.
const brand = Symbol.for('@stackyard/kernel.plugin');

/** Takes back what a `start` did. */
export type Undo = () => void | Promise<void>;

/** What a plugin adds. Usable only while its `register` runs. */
export interface Registrar {
  /** One instance of the class, made when the plugin starts, answers for the token. */
  provide<T>(token: Token<T>, cls: Class<NoInfer<T>>): Registrar;
  /** The value answers for the token. */
  value<T>(token: Token<T>, value: NoInfer<T>): Registrar;
  /** Adds a class, or a ready value, to an extension point. */
  contribute<T>(point: Token<T>, item: Class<NoInfer<T>> | { readonly value: NoInfer<T> }): Registrar;
}

/** What a plugin sees of the platform while it starts and runs: what it asked for, never the application. */
export interface PluginContext {
  readonly id: string;
  /**
   * Gives what the plugin needs or provides.
   *
   * @throws NotAskedForError for anything else.
   */
  resolve<T>(dependency: Dependency<T>): T;
}

/** What `definePlugin` takes. */
export interface PluginDefinition {
  /** Unique among the plugins of a kernel: lower-case words joined by `-` or `.`. */
  readonly id: string;
  /** The tokens of others that its classes and its `start` use; `each(Point)` for points that `start` reads. */
  readonly needs?: readonly Dependency<unknown>[];
  /** Says what the plugin adds. Nothing runs yet: every plugin registers before the first one starts. */
  register?(plugin: Registrar): void;
  /** Runs after the plugins it needs have started. Returns what takes it back. */
  start?(plugin: PluginContext): Undo | void | Promise<Undo | void>;
}

/** A plugin, ready to be loaded into a kernel. */
export interface Plugin extends PluginDefinition {
  readonly needs: readonly Dependency<unknown>[];
}

/**
 * Defines a plugin of the platform.
 *
 * @example
 * export default definePlugin({
 *   id: 'alerts',
 *   needs: [MetricsQuery],
 *   register: (plugin) => plugin.provide(Alerts, RuleAlerts),
 *   start(plugin) {
 *     const timer = setInterval(() => plugin.resolve(Alerts).evaluate(), 30_000);
 *     return () => clearInterval(timer);
 *   },
 * });
 * @throws PluginIdError when the id is not lower-case words joined by `-` or `.`.
 */
export function definePlugin(definition: PluginDefinition): Plugin {
  if (!/^[a-z][a-z0-9]*([.-][a-z0-9]+)*$/.test(definition.id)) throw new PluginIdError({ id: definition.id });
  return Object.freeze({ needs: [], ...definition, [brand]: true });
}

/** Whether a value was made by `definePlugin`. */
export function isPlugin(value: unknown): value is Plugin {
  return typeof value === 'object' && value !== null && brand in value;
}
