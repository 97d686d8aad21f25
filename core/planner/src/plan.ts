import type { Effect, Leaving, Phase } from '@stackyard/domain';
import type { ProfileManifest } from '@stackyard/sdk/manifest';
import type { CommandRequest } from './command.ts';
import type { Json, ServiceState, StackRef } from './state.ts';

/** A task before it has an id: one phase of one host component. */
export interface PlannedTask {
  readonly hostComponentId: string;
  readonly hostId: string;
  readonly service: string;
  readonly component: string;
  readonly phase: Phase;
  readonly timeoutMs: number;
  readonly idempotent: boolean;
  /** The stack's own function runs, not only the platform's. */
  readonly runsCode: boolean;
  /** For `remove`. */
  readonly data?: 'keep' | 'delete' | undefined;
}

/**
 * The edges of a task DAG. Nodes 0 … tasks-1 are the tasks in order, tasks … nodes-1 are join nodes ("all of these
 * before any of those" costs N + M edges, not N × M). Successors of node n: `targets[offsets[n] … offsets[n+1]-1]`.
 */
export interface TaskGraph {
  readonly tasks: number;
  readonly nodes: number;
  readonly offsets: Uint32Array;
  readonly targets: Uint32Array;
}

/** Host components of one component that are worked on at the same time. */
export interface Batch {
  /** Tasks, by their nodes. */
  readonly tasks: readonly number[];
  /** The join node that all of them lead to, and from which the next batch follows. */
  readonly gate: number;
  /** The job waits here until it is resumed. */
  readonly pauses: boolean;
  /** Those of the tasks whose failure is not tolerated. */
  readonly firm?: readonly number[] | undefined;
}

/** What the edges of a graph do not say of host components that take turns. */
export interface Turns {
  /** So many failed tasks up to a gate do not keep it closed. */
  readonly tolerate: number;
  /** By component: its batches one after the other. */
  readonly sequences: readonly (readonly Batch[])[];
}

/** A sentence for the operator, with the JSON pointer of what it is about where there is one. */
export interface Notice {
  readonly code: string;
  readonly message: string;
  readonly pointer?: string | undefined;
}

/** What a command changes in the cluster's layout and configs before any task runs. */
export interface LayoutChange {
  /** The cluster's services after the change; what is not listed stays as it is. */
  readonly services: readonly ServiceState[];
  readonly addedHostComponents: readonly string[];
  readonly removedHostComponents: readonly string[];
  /** By name. */
  readonly addedServices: readonly string[];
  /** By name. */
  readonly removedServices: readonly string[];
  /** Names of services whose stored values change: they get a new config version. */
  readonly newConfigVersions: readonly string[];
  /** Host components that begin to leave or to come back; undefined for one that is back at once. */
  readonly leaving: ReadonlyMap<string, Leaving | undefined>;
  /** Hosts (ids) that join the cluster. */
  readonly joiningHosts: readonly string[];
  /** By `service/component` that the planner placed: why there. */
  readonly reasons: Readonly<Record<string, string>>;
  /** By service that the request takes by a profile. */
  readonly profiles: Readonly<Record<string, ProfileManifest>>;
  /** What the operator should know; nothing here refuses the command. */
  readonly warnings: readonly Notice[];
  readonly upgrade?: UpgradeChange | undefined;
}

/** A service that goes to another version of its stack. */
export interface UpgradeChange {
  readonly service: string;
  /** The version is older than the one before. */
  readonly back: boolean;
  readonly from: { readonly stack: StackRef; readonly product: string };
  readonly to: { readonly stack: StackRef; readonly product: string };
  readonly properties: readonly PropertyChange[];
  /** Components that the new version has and the old one has not: nobody has placed them yet. */
  readonly newComponents: readonly string[];
}

export interface PropertyChange {
  readonly config: string;
  readonly property: string;
  /** `gone`: its value is laid aside. `returned`: a value that was laid aside is in use again. */
  readonly change: 'new' | 'gone' | 'returned' | 'default' | 'kept';
  /** The value or default of before; an expression as the manifest has it. */
  readonly before?: Json | undefined;
  readonly after?: Json | undefined;
}

/** A host component whose rendered files differ from what it runs. */
export interface StaleHostComponent {
  readonly hostComponentId: string;
  /** Paths of the files that differ, new ones included. */
  readonly changed: readonly string[];
  readonly effect: Effect;
}

export interface OsPackagesOnHost {
  readonly hostId: string;
  readonly service: string;
  readonly packages: readonly string[];
}

/** The JDK that a service will use on a host, and why that one. */
export interface JavaOnHost {
  readonly hostId: string;
  readonly service: string;
  readonly home: string;
  readonly version: string;
  /** The server's runtime is unpacked there, because no JDK of the host suits. */
  readonly packaged: boolean;
  readonly reason: string;
}

export interface Plan {
  readonly request: CommandRequest;
  readonly tasks: readonly PlannedTask[];
  readonly graph: TaskGraph;
  /** Only where the operator asked for turns. */
  readonly turns?: Turns | undefined;
  /** Ids of hosts that some task runs on. */
  readonly hosts: readonly string[];
  /** Host components that will be stopped and started. */
  readonly restarts: readonly string[];
  readonly warnings: readonly Notice[];
  /** By host component that empties others, or itself, or takes them in again: the ids of those it is about. */
  readonly drains: Readonly<Record<string, readonly string[]>>;
  /** What may be lost: the sentence that an operator has to agree to. */
  readonly danger?: string | undefined;
  /** Packages of the operating system that are put on hosts where they are missing. */
  readonly osPackages: readonly OsPackagesOnHost[];
  readonly java: readonly JavaOnHost[];
  /** Targets that need nothing done, each with the reason. */
  readonly skipped: readonly { readonly hostComponentId: string; readonly reason: string }[];
}
