import type { EntityManager } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import type { Bundles } from '../../agents/bundles.ts';
import type { BundleImports } from '../../bundles/imports.ts';
import type { Clusters } from '../../clusters/clusters.ts';
import type { Staleness } from '../../clusters/staleness.ts';
import type { Commands } from '../../commands/commands.ts';
import type { StateSources } from '../../commands/clusterState.ts';
import type { Engine, Events, LogStore } from '../../engine/ports.ts';
import type { Identity } from '../../identity/identity.ts';
import type { Hosts } from '../../hosts/hosts.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import type { PackageRepository } from '../../packages/index.ts';
import type { Freshness } from '../../registries/freshness.ts';
import type { Registries } from '../../registries/index.ts';
import type { Deliveries } from '../../stacks/deliveries.ts';
import type { StackStore } from '../../stacks/store.ts';
import type { Trust } from '../../trust/trust.ts';

/** A platform plugin, and what it brings. */
export interface PluginPicture {
  readonly id: string;
  readonly package: string | null;
  readonly version: string | null;
  readonly folder: string | null;
  readonly needs: readonly string[];
  readonly provides: readonly string[];
  readonly contributes: readonly string[];
  /** Its operations of the REST API, such as `GET /metrics`. */
  readonly operations: readonly string[];
}

/** What the routes are built on. */
export interface RouteParts {
  readonly em: () => EntityManager;
  /** For plain rows, where managed ones would cost more than all the rest. */
  readonly sql: Pool;
  readonly engine: Engine;
  readonly events: Events;
  readonly logs: LogStore;
  readonly stacks: StackStore;
  readonly trust: Trust;
  readonly registries: Registries;
  readonly deliveries: Deliveries;
  readonly bundleImports: BundleImports;
  readonly agentBundles: Bundles;
  readonly packages: () => PackageRepository;
  readonly freshness: (signal: AbortSignal) => Promise<Freshness[]>;
  readonly clusters: Clusters;
  readonly hosts: Hosts;
  readonly jobs: Jobs;
  readonly commands: Commands;
  readonly staleness: Staleness;
  readonly sources: StateSources;
  readonly identity: Pick<Identity, 'issuingSha256' | 'authorityStatus' | 'rotate'>;
  readonly plugins: () => readonly PluginPicture[];
  readonly server: {
    readonly version: string;
    readonly installId: string;
    readonly epoch: number;
    readonly startedAt: Date;
    agentEndpoint(): string;
    enrolmentEndpoint(): string;
  };
}
