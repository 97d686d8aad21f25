import type { Leaving } from '@stackyard/domain';
import type { ProfileManifest } from '@stackyard/sdk/manifest';
import { Problems } from '../problems.ts';
import type { LayoutChange } from '../plan.ts';
import type { ClusterState, HostComponentState, HostState, ServiceState } from '../state.ts';

/** What a command makes of the cluster. */
export interface LayoutResult {
  readonly change: LayoutChange;
  readonly next: ClusterState;
}

/** A cluster being changed by a command, together with what is wrong with the command. */
export class Draft {
  readonly state: ClusterState;
  readonly newId: () => string;
  readonly problems = new Problems();
  /** Services as they will be, by name. */
  readonly services: Map<string, ServiceState>;
  readonly joining = new Set<string>();
  /** By id of each new host component: where the request names it. */
  readonly added = new Map<string, string>();
  readonly removed = new Set<string>();
  /** By `service/component` that the request does not place: why it goes where it goes. */
  readonly reasons = new Map<string, string>();
  /** By name of each service that is taken by one. */
  readonly profiles = new Map<string, ProfileManifest>();
  readonly leaving = new Map<string, Leaving | undefined>();
  /** By name of each service with new values: where the request gives them. */
  readonly newConfigs = new Map<string, string>();
  readonly #hostsByName: ReadonlyMap<string, HostState>;
  readonly #hostsById: ReadonlyMap<string, HostState>;

  constructor(state: ClusterState, newId: () => string) {
    this.state = state;
    this.newId = newId;
    this.services = new Map(state.services.map((service) => [service.name, service]));
    this.#hostsByName = new Map(state.hosts.map((host) => [host.name, host]));
    this.#hostsById = new Map(state.hosts.map((host) => [host.id, host]));
  }

  hostNamed(name: string): HostState | undefined {
    return this.#hostsByName.get(name);
  }

  hostOf(hostComponent: HostComponentState): HostState {
    const host = this.#hostsById.get(hostComponent.hostId);
    if (!host) throw new RangeError(`The state of cluster ${this.state.name} lacks host ${hostComponent.hostId}`);
    return host;
  }

  hostNames(): string[] {
    return [...this.#hostsByName.keys()];
  }

  /** Hosts of the cluster, those that join included. */
  members(): HostState[] {
    return this.state.hosts.filter((host) => host.clusterId === this.state.id || this.joining.has(host.id));
  }

  /** The cluster as it will be. */
  next(): ClusterState {
    const hosts =
      this.joining.size === 0
        ? this.state.hosts
        : this.state.hosts.map((host) => (this.joining.has(host.id) ? { ...host, clusterId: this.state.id } : host));
    return { ...this.state, hosts, services: [...this.services.values()] };
  }

  /** Services of the draft that are new or not the same as before. */
  changed(): ServiceState[] {
    const before = new Map(this.state.services.map((service) => [service.name, service]));
    return [...this.services.values()].filter((service) => before.get(service.name) !== service);
  }

  /** @throws PlanRefusedError when the command has problems */
  result(next: ClusterState = this.next()): LayoutResult {
    this.problems.settle();
    const before = new Set(this.state.services.map(({ name }) => name));
    return {
      next,
      change: {
        services: this.changed(),
        addedHostComponents: [...this.added.keys()],
        removedHostComponents: [...this.removed],
        addedServices: [...this.services.keys()].filter((name) => !before.has(name)),
        removedServices: [...before].filter((name) => !this.services.has(name)),
        newConfigVersions: [...this.newConfigs.keys()],
        leaving: this.leaving,
        joiningHosts: [...this.joining],
        reasons: Object.fromEntries(this.reasons),
        profiles: Object.fromEntries(this.profiles),
        warnings: this.problems.warnings,
      },
    };
  }
}
