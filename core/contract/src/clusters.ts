import type { Desired, Observed } from '@stackyard/domain';
import { token } from '@stackyard/kernel';
import type { ServiceManifest } from '@stackyard/sdk/manifest';

/** Where a host component tells its metrics, as the configuration says that was last applied to it. */
export interface MetricsEndpoint {
  readonly address: string;
  readonly port: number;
  /** Starts with `/`. */
  readonly path: string;
}

/** One component on one host. */
export interface PlacedComponent {
  readonly id: string;
  readonly component: string;
  readonly host: string;
  readonly address: string;
  readonly ordinal: number;
  readonly desired: Desired;
  readonly observed: Observed;
  /** Absent where the component declares none, or its port cannot be told. */
  readonly metrics?: MetricsEndpoint;
}

export interface ClusterService {
  readonly name: string;
  /** The version of a stack that the service runs from. */
  readonly stack: { readonly name: string; readonly version: string };
  /** All that the stack says of the service: data of its author, to be checked before it is given to anyone else. */
  readonly manifest: ServiceManifest;
  readonly hostComponents: readonly PlacedComponent[];
}

export interface ClusterPicture {
  readonly id: string;
  readonly name: string;
  /** Rises with each change of the cluster's hosts and services. */
  readonly revision: number;
  readonly services: readonly ClusterService[];
}

/** What runs where, to be read by plugins. */
export interface Clusters {
  /** Every cluster by name, or the one that is named (by id or name): each as it is at one moment. */
  list(only?: { readonly cluster?: string | undefined }): Promise<readonly ClusterPicture[]>;
}
export const Clusters = token<Clusters>('contract.Clusters');
