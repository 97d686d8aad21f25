import type { Expression, Probe } from '../manifest/expression.ts';
import type { DependencyManifest, LIFECYCLE_PHASES, ProcessManifest } from '../manifest/manifest.ts';
import type { AnyConfig } from './config.ts';
import type { DirProperty, Operand } from './expression.ts';
import type { LifecycleFunction } from './host.ts';
import type { HttpProbe } from './probe.ts';

export type LifecyclePhase = (typeof LIFECYCLE_PHASES)[number];
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
  /** Seconds by phase; 600 where not given. */
  readonly timeouts?: Partial<Readonly<Record<LifecyclePhase, number>>>;
  /** False for phases that must not be tried again by themselves. */
  readonly idempotent?: Partial<Readonly<Record<LifecyclePhase, boolean>>>;
  readonly health?: Readonly<Record<string, Probe>>;
  readonly role?: HttpProbe & { readonly json: string };
  readonly metrics?: { readonly port: Expression; readonly path: string; readonly charts: Record<string, string> };
  readonly links?: Readonly<Record<string, HttpProbe>>;
  /** Never on the same host as these components. */
  readonly notWith?: readonly Component[];
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
  return Object.freeze({ name, options });
}

type Waiting = DependencyManifest['phase'];

/** This component waits for another: its start for the other's start unless `phase` and `of` say otherwise. */
export function after(
  component: Component | `${string}/${string}`,
  { phase = 'start', of = 'start' }: { readonly phase?: Waiting; readonly of?: Waiting } = {},
): DependencyManifest {
  return { on: typeof component === 'string' ? component : component.name, phase, after: of };
}

export interface Rolling {
  readonly kind: 'rolling';
}

/** Host components restart one after the other, each healthy before the next. */
export function rolling(): Rolling {
  return { kind: 'rolling' };
}
