import type { Expression, Probe } from '../manifest/expression.ts';
import type { Phase } from '@stackyard/domain';
import type { DependencyManifest, ProcessManifest } from '../manifest/manifest.ts';
import type { Action } from './action.ts';
import type { AnyConfig } from './config.ts';
import { called, defined } from './callSite.ts';
import type { ComponentName, DirProperty, DirsProperty, Expr, Operand } from './expression.ts';
import type { DrainFunction, LifecycleFunction } from './host.ts';
import type { HttpProbe, JmxProbe, MetricProbe } from './probe.ts';

/** Phases for which an author writes a function of its own; `decommission` has its own place. */
export type LifecyclePhase = Exclude<Phase, 'action' | 'decommission' | 'recommission'>;
/** How many hosts: `'1'`, `'1+'`, `'0-1'`, `'3-5'` or `'all'`. */
export type Cardinality = 'all' | `${number}` | `${number}+` | `${number}-${number}`;

/**
 * What there is to say of a component. Only the first three are needed; what is left out, the platform does.
 * @example
 * defineComponent('broker', {
 *   title: 'Broker',
 *   category: 'server',
 *   cardinality: '1+',
 *   prefer: 'odd',
 *   user: 'broker',
 *   config: [cfg],
 *   process: exec({ program: 'bin/broker', args: [cfg.path], ready: tcp(cfg.port) }),
 *   files: [{ in: cfg.dataDir, name: 'id', content: self.ordinal }],
 *   lifecycle: { check: (host) => until(host, async () => void (await host.fetchJson(host.get(cfg.adminPort), '/ready'))) },
 *   timeouts: { check: 120 },
 *   idempotent: { init: false },
 *   health: { port: tcp(cfg.port) },
 *   role: jsonPath(http(cfg.adminPort, '/status'), 'role'),
 *   metrics: prometheus(cfg.adminPort, { 'Requests per second': 'requests_per_second' }),
 *   links: { Console: http(cfg.adminPort, '/') },
 *   after: [after('zookeeper/zookeeper_server')],
 *   with: [client],
 *   notWith: [{ component: 'hdfs/namenode', why: 'both want the memory of a whole host' }],
 *   place: { hosts: 3, score: fact.memory },
 *   upgrade: rolling({ last: role('leader') }),
 * })
 */
export interface ComponentOptions {
  /** What people call it. */
  readonly title: string;
  /** A client has no process: its configs and files are what it is for. */
  readonly category: 'server' | 'client';
  /** How many hosts: '1', '1+', '0-1', '3-5' or 'all'. */
  readonly cardinality: Cardinality;
  /** The user that its processes run as and that owns its files, where it is not the service's. */
  readonly user?: string;
  /** Plans advise against an even number of hosts, and the recommender gives an odd one. */
  readonly prefer?: 'odd';
  /** Configs that it gets on its hosts: files in its config directory, and values. */
  readonly config?: readonly AnyConfig[];
  /** Small files beside the configs, such as myid. A line break is added at the end. */
  readonly files?: readonly { readonly in: DirProperty; readonly name: string; readonly content: Operand }[];
  /** Directories made at install and kept at removal; every `dir` and `dirs` property of `config` when absent. */
  readonly dirs?: readonly (DirProperty | DirsProperty)[];
  /** What is started, watched, and started again; by `exec` or `java`. */
  readonly process?: ProcessManifest;
  /** Functions for phases in which this product differs from what the platform does. */
  readonly lifecycle?: Partial<Readonly<Record<LifecyclePhase, LifecycleFunction>>>;
  /** What it waits for in commands that touch both. */
  readonly after?: readonly DependencyManifest[];
  /** How its host components restart and are upgraded; all at once when absent. */
  readonly upgrade?: Rolling;
  /** What an operator can ask of it besides its life, by name. */
  readonly actions?: Readonly<Record<string, Action>>;
  /** How a host component is emptied before it goes. */
  readonly decommission?: Decommission;
  /** Where it goes when the operator does not place it. */
  readonly place?: Place;
  /** Seconds by phase; 600 where not given. */
  readonly timeouts?: Partial<Readonly<Record<LifecyclePhase, number>>>;
  /** False for phases that must not be tried again by themselves. */
  readonly idempotent?: Partial<Readonly<Record<LifecyclePhase, boolean>>>;
  /** Probes by name: it is healthy while all of them are. */
  readonly health?: Readonly<Record<string, Probe>>;
  /** A probe whose answer is what this host component is among its peers, such as `leader`. */
  readonly role?: (HttpProbe & { readonly json: string }) | JmxProbe | (MetricProbe & { readonly label: string });
  /** Its Prometheus endpoint and charts; by `prometheus`. */
  readonly metrics?: { readonly port: Expression; readonly path: string; readonly charts: Record<string, string> };
  /** Pages that operators open, by title. */
  readonly links?: Readonly<Record<string, HttpProbe>>;
  /** Only on hosts that have these components. */
  readonly with?: readonly Neighbour[];
  /** Never on the same host as these components; of another service by `service/component`. */
  readonly notWith?: readonly Neighbour[];
}

/** A component, or one with the reason that plans give when they refuse. */
export type Neighbour = Component | { readonly component: Component | `${string}/${string}`; readonly why: string };

/**
 * Where the recommender puts a component that the operator does not place.
 * @example
 * place: { hosts: choose(ge(clusterHosts, 5), 5, 3), score: fact.memory }
 */
export interface Place {
  /** How many hosts, such as `choose(ge(clusterHosts, 5), 5, 3)`. Three, or an odd number, when absent. */
  readonly hosts?: Expr<number> | number;
  /** The highest come first, such as `fact.memory`. */
  readonly score?: Expr<number>;
}

/**
 * How a host component is emptied before it goes.
 * @example
 * decommission: {
 *   by: namenode,
 *   drain: async (host, leaving) => void (await host.run('bin/drain', ...leaving.map((each) => each.host))),
 *   undo: (host, back) => host.log(`${back.length} came back.`),
 *   timeout: 4 * 3600,
 * }
 */
export interface Decommission {
  /** The component that runs the functions, such as a NameNode for its DataNodes; the leaving one itself when absent. */
  readonly by?: Component;
  /** Returns when nothing is left on those that go. */
  readonly drain: DrainFunction;
  /** Takes them in again. */
  readonly undo?: DrainFunction;
  /** Seconds; an hour when absent. */
  readonly timeout?: number;
}

/** A component as `defineComponent` gives it. */
export interface Component {
  /** Unique in its service: lower-case letters, digits, `_` and `-`. */
  readonly name: string;
  /** What was said of it. */
  readonly options: ComponentOptions;
}

/**
 * A kind of process, or of client, of a service.
 * @example
 * defineComponent('beat', {
 *   title: 'Beat',
 *   category: 'server',
 *   cardinality: '1+',
 *   process: exec({ program: '/usr/bin/beat', ready: alive() }),
 * })
 */
export function defineComponent(name: string, options: ComponentOptions): Component {
  return defined('component', name, Object.freeze({ name, options }), defineComponent);
}

/** Phases that wait, and that are waited for. */
export type Waiting = DependencyManifest['phase'];

/**
 * This component waits for another: its start for the other's start unless `phase` and `of` say otherwise.
 * @example
 * after: [after(namenode), after('zookeeper/zookeeper_server', { phase: 'init' })]
 */
export function after(
  component: ComponentName | `${string}/${string}`,
  { phase = 'start', of = 'start' }: { readonly phase?: Waiting; readonly of?: Waiting } = {},
): DependencyManifest {
  return called({ on: typeof component === 'string' ? component : component.name, phase, after: of }, after);
}

/** As `rolling` gives it. */
export interface Rolling {
  /** The only kind there is. */
  readonly kind: 'rolling';
  /** The role that comes last. */
  readonly last?: string;
  /** The component whose turns come first. */
  readonly after?: string;
}

/**
 * A role as the component's `role` probe tells it.
 * @example
 * rolling({ last: role('leader') })
 */
export function role(name: string): { readonly role: string } {
  return { role: name };
}

/**
 * Host components restart one after the other, each healthy before the next, and where there is a `settle` function,
 * when that returns. `last` keeps a role for the end, `after` the whole component until another of its service is done,
 * although it starts before that one.
 * @example
 * rolling({ last: role('leader') })
 * @example
 * rolling({ last: role('leader'), after: { name: 'kafka_broker' } })
 */
export function rolling({
  last,
  after: other,
}: { readonly last?: { readonly role: string }; readonly after?: ComponentName } = {}): Rolling {
  return { kind: 'rolling', ...(last ? { last: last.role } : {}), ...(other ? { after: other.name } : {}) };
}
