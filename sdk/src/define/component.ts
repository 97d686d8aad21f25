import type { Expression, Probe } from '../manifest/expression.ts';
import type { DependencyManifest, LIFECYCLE_PHASES, ProcessManifest } from '../manifest/manifest.ts';
import type { Action } from './action.ts';
import type { AnyConfig } from './config.ts';
import { called, defined } from './callSite.ts';
import type { DirProperty, Expr, Operand } from './expression.ts';
import type { DrainFunction, LifecycleFunction } from './host.ts';
import type { HttpProbe, JmxProbe } from './probe.ts';

/** Phases for which an author writes a function of its own; `decommission` has its own place. */
export type LifecyclePhase = Exclude<(typeof LIFECYCLE_PHASES)[number], 'decommission' | 'recommission'>;
type Cardinality = 'all' | `${number}` | `${number}+` | `${number}-${number}`;

export interface ComponentOptions {
  readonly title: string;
  readonly category: 'server' | 'client';
  /** How many hosts: '1', '1+', '0-1', '3-5' or 'all'. */
  readonly cardinality: Cardinality;
  readonly prefer?: 'odd';
  readonly config?: readonly AnyConfig[];
  /** Small files beside the configs, such as myid. A line break is added at the end. */
  readonly files?: readonly { readonly in: DirProperty; readonly name: string; readonly content: Operand }[];
  /** Directories made at install and kept at removal; every `dir` property of `config` when absent. */
  readonly dirs?: readonly DirProperty[];
  readonly process?: ProcessManifest;
  /** Functions for phases in which this product differs from what the platform does. */
  readonly lifecycle?: Partial<Readonly<Record<LifecyclePhase, LifecycleFunction>>>;
  readonly after?: readonly DependencyManifest[];
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
  readonly health?: Readonly<Record<string, Probe>>;
  readonly role?: (HttpProbe & { readonly json: string }) | JmxProbe;
  readonly metrics?: { readonly port: Expression; readonly path: string; readonly charts: Record<string, string> };
  readonly links?: Readonly<Record<string, HttpProbe>>;
  /** Only on hosts that have these components. */
  readonly with?: readonly Neighbour[];
  /** Never on the same host as these components; of another service by `service/component`. */
  readonly notWith?: readonly Neighbour[];
}

type Neighbour = Component | { readonly component: Component | `${string}/${string}`; readonly why: string };

export interface Place {
  /** How many hosts, such as `choose(ge(clusterHosts, 5), 5, 3)`. Three, or an odd number, when absent. */
  readonly hosts?: Expr<number> | number;
  /** The highest come first, such as `fact.memory`. */
  readonly score?: Expr<number>;
}

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

export interface Component {
  readonly name: string;
  readonly options: ComponentOptions;
}

/**
 * A kind of process, or of client, of a service.
 * @example
 * defineComponent('beat', { title: 'Beat', category: 'server', cardinality: '1+', process: exec({ … }) })
 */
export function defineComponent(name: string, options: ComponentOptions): Component {
  return defined('component', name, Object.freeze({ name, options }), defineComponent);
}

type Waiting = DependencyManifest['phase'];

/**
 * This component waits for another: its start for the other's start unless `phase` and `of` say otherwise.
 * @example
 * after: [after(namenode), after('zookeeper/zookeeper_server', { phase: 'init' })]
 */
export function after(
  component: Component | `${string}/${string}`,
  { phase = 'start', of = 'start' }: { readonly phase?: Waiting; readonly of?: Waiting } = {},
): DependencyManifest {
  return called({ on: typeof component === 'string' ? component : component.name, phase, after: of }, after);
}

export interface Rolling {
  readonly kind: 'rolling';
  readonly last?: string;
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
 * Host components restart one after the other, each healthy before the next.
 * @example
 * rolling({ last: role('leader') })
 */
export function rolling({ last }: { readonly last?: { readonly role: string } } = {}): Rolling {
  return { kind: 'rolling', ...(last ? { last: last.role } : {}) };
}
