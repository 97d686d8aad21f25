import type { Json, PropertyRef } from '../manifest/expression.ts';
import type { Instance, Self } from '../manifest/inputs.ts';

/** A property as `host.get` takes it. `V` is the type of its value. */
export interface PropertyHandle<V> {
  /** Its config and its name. */
  readonly ref: PropertyRef;
  /** Never set; it carries the type of the value. */
  readonly valueType?: V;
}
/** A config as `host.render` takes it. */
export interface ConfigHandle {
  /** Where it lies. */
  readonly path: { readonly expression: { readonly configPath: string } };
}
/** A component as `host.instances` takes it. */
export interface ComponentHandle {
  /** Its name. */
  readonly name: string;
}

/** What a program printed. */
export interface RunResult {
  /** On standard output. */
  readonly stdout: string;
  /** On standard error. */
  readonly stderr: string;
}

/** How a file is written. */
export interface WriteOptions {
  /** As in chmod; 0o644 when absent. */
  readonly mode?: number;
  /** A user of the host; the service's user when absent. Ignored where the agent has no root rights. */
  readonly owner?: string;
}

/** Where and how long is asked. */
export interface ConnectOptions {
  /** The host component's own address when absent. */
  readonly address?: string;
  /** Milliseconds; 5000 when absent. */
  readonly timeoutMs?: number;
}

/** What `fetchJson` sends, and where it asks. */
export interface FetchOptions extends ConnectOptions {
  /** GET when absent. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: Json;
}

/** Directories of the host component, absolute on the machine. */
export interface HostPaths {
  /** Where the configs of the component lie. */
  readonly config: string;
  /** Where it may write logs of its own. */
  readonly log: string;
  /** Unpacked packages of the service by name. */
  readonly packages: Readonly<Record<string, string>>;
}

/**
 * All that a lifecycle function may touch. Every function is idempotent, and throws a sentence for the operator rather
 * than returning a code.
 * @example
 * defineComponent('store', {
 *   title: 'Store',
 *   category: 'server',
 *   cardinality: '1+',
 *   config: [cfg],
 *   lifecycle: {
 *     init: (host) => host.once('format', async () => void (await host.script('scripts/format.sh', { DIR: host.get(cfg.dataDir) }))),
 *     check: async (host) => {
 *       const { members } = (await host.fetchJson(host.get(cfg.adminPort), '/status')) as { members: number };
 *       if (members < host.instances(server).length) throw new Error(`${host.self.host} knows only ${members} members.`);
 *     },
 *   },
 * })
 */
export interface Host {
  /** Which host component it is. */
  readonly self: Self;
  /** Its directories. */
  readonly paths: HostPaths;
  /** Aborted when the task is cancelled or out of time. */
  readonly signal: AbortSignal;
  /** One line of the task's log. */
  log(message: string): void;
  /** Host components of a component of this service, by ordinal, this one included. */
  instances(component: ComponentHandle): readonly Instance[];
  /** The value of a property on this host: directories are paths on the machine. `null` for an optional one without. */
  get<V>(property: PropertyHandle<V>): V;
  /** Runs a program without a shell; `java` is the service's JDK. Throws on a non-zero exit with the tail of its output. */
  run(program: string, ...args: string[]): Promise<RunResult>;
  /** Runs a shell script of the stack, such as `scripts/format.sh`; values reach it by environment only. */
  script(path: string, env?: Readonly<Record<string, string>>): Promise<RunResult>;
  /** Writes a file at once or not at all; missing parent directories are made. */
  write(path: string, content: string, options?: WriteOptions): Promise<void>;
  /** Writes configs of the component to its config directory; all of them when none is named. */
  render(...configs: ConfigHandle[]): Promise<void>;
  /**
   * Asks http://address:port/path, by GET unless told, and gives the JSON that it answers; null for an empty answer. Throws
   * when that is not 2xx, with what it says.
   */
  fetchJson(port: number, path: string, options?: FetchOptions): Promise<Json>;
  /** Whether a TCP connection to the port is accepted. */
  connects(port: number, options?: ConnectOptions): Promise<boolean>;
  /** Waits; rejects at once when `signal` is aborted. */
  wait(ms: number): Promise<void>;
  /** A step done once per host component and remembered, such as formatting a disk. */
  once(name: string, step: () => Promise<void>): Promise<void>;
}

/** A phase written by the stack's author. */
export type LifecycleFunction = (host: Host) => Promise<void> | void;

/** The default export of an artifact's lifecycle.mjs: what each `service/component` has of its own. */
export type LifecycleBundle = Readonly<Record<string, ComponentFunctions>>;

/** All functions of a component. Those of `decommission` and `recommission` get the host components that leave. */
export interface ComponentFunctions {
  /** By phase. */
  readonly phases?: Readonly<Record<string, LifecycleFunction>>;
  /** By name. */
  readonly actions?: Readonly<
    Record<string, (host: Host, input: Readonly<Record<string, Json>>) => Promise<Json | void> | Json | void>
  >;
  /** Empties those that leave. */
  readonly decommission?: DrainFunction;
  /** Takes them in again. */
  readonly recommission?: DrainFunction;
}

/** Empties host components, or takes them in again. `leaving` are those that go. */
export type DrainFunction = (host: Host, leaving: readonly Instance[]) => Promise<void> | void;
