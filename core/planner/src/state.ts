import type { Desired, Leaving, Observed } from '@stackyard/domain';
import type { ConfigValues, Json, OsFamily, PackageManifest, ServiceManifest } from '@stackyard/sdk/manifest';

/** What the planner must know of a host. Memory and disk in bytes. */
export interface HostState {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly bind: string;
  readonly root: string;
  /** Several agents share its machine. */
  readonly local: boolean;
  /** The agent's lease is live. */
  readonly reachable: boolean;
  readonly clusterId?: string | undefined;
  /** Whether processes can run as another user. */
  readonly privileged: boolean;
  /** Its distribution as people call it, and the family whose packages it takes; absent where it is of none that is known. */
  readonly os?: { readonly name: string; readonly family: OsFamily | undefined } | undefined;
  /** Its processor as Node names it, such as arm64; absent where it is not known. */
  readonly arch?: string | undefined;
  readonly facts: {
    readonly cpus: number;
    readonly memory: number;
    readonly disk: number;
    readonly java: readonly { readonly home: string; readonly version: string }[];
  };
}

export interface HostComponentState {
  readonly id: string;
  readonly service: string;
  readonly component: string;
  readonly hostId: string;
  readonly ordinal: number;
  readonly desired: Desired;
  readonly observed: Observed;
  /** Digest by path of the files last applied; absent before the first configure. */
  readonly applied?: Readonly<Record<string, string>> | undefined;
  /** The config version whose values it runs. */
  readonly configVersion?: number | undefined;
  /** Effective values it runs, to tell which properties changed. */
  readonly appliedValues?: ConfigValues | undefined;
  /** Names of the `once` steps done. `init` stands for the init phase, `prepare` for the service's. */
  readonly once: readonly string[];
  /** Since it was decommissioned; absent for one that is not on its way out. */
  readonly leaving?: Leaving | undefined;
  /** The artifact it runs from; the service's when absent. */
  readonly stackDigest?: string | undefined;
  /** As the watch of its agent last saw it, such as `leader`. */
  readonly role?: string | undefined;
}

export interface StackRef {
  readonly name: string;
  readonly version: string;
  readonly digest: string;
}

/** Values of properties that the service's version does not have. They return with a version that has them. */
export interface LaidAside {
  readonly values: ConfigValues;
  /** By host id. */
  readonly overrides: Readonly<Record<string, ConfigValues>>;
}

export interface ServiceState {
  readonly id: string;
  readonly name: string;
  readonly stack: StackRef;
  readonly manifest: ServiceManifest;
  /** Other versions that some host component still runs from: an upgrade is under way, or stopped half way. */
  readonly otherVersions?: readonly { readonly stack: StackRef; readonly manifest: ServiceManifest }[] | undefined;
  readonly configVersion: number;
  /** What the operator set; defaults are not stored. */
  readonly values: ConfigValues;
  /** What the operator set for single hosts, by host id. */
  readonly overrides: Readonly<Record<string, ConfigValues>>;
  /** Values the server made once for the service. */
  readonly generated: ConfigValues;
  readonly laidAside?: LaidAside | undefined;
  readonly hostComponents: readonly HostComponentState[];
  /** By component: the ordinal the next host component gets. Never goes back. */
  readonly nextOrdinals: Readonly<Record<string, number>>;
}

/** An immutable picture of one cluster, and of the hosts and stacks a command on it may name. */
export interface ClusterState {
  readonly id: string;
  readonly name: string;
  readonly hosts: readonly HostState[];
  readonly services: readonly ServiceState[];
  /** What hosts get whose own JDKs do not suit a service; nothing when absent. */
  readonly javaRuntime?: PackageManifest | undefined;
  /** Manifests that `add` may name: every installed stack. */
  readonly stacks: readonly {
    readonly name: string;
    readonly version: string;
    readonly digest: string;
    readonly services: readonly ServiceManifest[];
  }[];
}

export type { ConfigValues, Json };
