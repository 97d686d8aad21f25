import type { Json } from './expression.ts';

/** Values by config and property, such as `{ 'zoo.cfg': { clientPort: 2181 } }`. */
export type ConfigValues = Readonly<Record<string, Readonly<Record<string, Json>>>>;

/** One host component as the others of its service see it. */
export interface Instance {
  /** The name of its host. */
  readonly host: string;
  /** By which others reach it. */
  readonly address: string;
  /** Handed out once, never reused, from 1. */
  readonly ordinal: number;
  /** Its effective values where they differ from those of `Inputs.values`. */
  readonly overrides?: ConfigValues;
  /** It is being decommissioned, or was. */
  readonly leaving?: boolean;
}

/** The host component a phase runs for. */
export interface Self extends Instance {
  /** Its id in the platform. */
  readonly hostComponentId: string;
  /** The name of its service. */
  readonly service: string;
  /** The name of its component. */
  readonly component: string;
  /** Where it listens: 0.0.0.0 on a real host, its own address on a local one. */
  readonly bind: string;
  /** Every absolute path of the component lies under this directory; `/` on a real host. */
  readonly root: string;
  /** Whether several agents share this machine. */
  readonly local: boolean;
  /** The home of the JDK that the service asks for, where it asks for one. */
  readonly javaHome?: string | undefined;
}

/** Numbers a recommendation may be made of. Memory and disk in bytes. */
export interface HostFacts {
  /** Processors. */
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  /** Bytes. */
  readonly disk: number;
}

/** A sentence for the operator, with the JSON pointer of what it is about where there is one. */
export interface Notice {
  readonly code: string;
  readonly message: string;
  readonly pointer?: string | undefined;
  /** A warning refuses nothing; an error when absent. */
  readonly severity?: 'error' | 'warning';
}

/**
 * All that rendering and a lifecycle function may depend on: the same inputs give the same bytes on the server (plan)
 * and on the agent (task).
 */
export interface Inputs {
  readonly self: Self;
  /** Effective values of the host component, defaults and overrides applied. */
  readonly values: ConfigValues;
  /** Host components of the service by component, in order of their ordinals. */
  readonly instances: Readonly<Record<string, readonly Instance[]>>;
  /** Exports of the services this one requires, by service and export. */
  readonly imports: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly facts: HostFacts;
}

/** One file a component gets on its host. `path` is absolute under the host's root; `mode` as in chmod. */
export interface RenderedFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
  /** `sha256-<hex>` of the content. */
  readonly digest: string;
  /** The config it comes from; absent for a declared file. */
  readonly config?: string;
}
