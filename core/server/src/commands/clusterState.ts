import type { ClusterState, HostComponentState, HostState, ServiceState } from '@stackyard/planner';
import type { EntityManager } from '@mikro-orm/postgresql';
import { ConfigVersion, type HostComponentRow, HostComponent, Host, type HostRow, Service, type ServiceRow, type Snapshot } from '../database/entities.ts';
import type { StackStore } from '../stacks/store.ts';
import type { Planned } from './planning.ts';

/** Where the planner's picture of a cluster comes from besides its rows. */
export interface StateSources {
  readonly stacks: StackStore;
  readonly reachable: (hostId: string) => boolean;
}

/** The planner's picture of a cluster, and of every host and stack that a command on it may name. */
export async function loadClusterState(em: EntityManager, cluster: { id: string; name: string }, sources: StateSources): Promise<ClusterState> {
  const [hosts, services, hostComponents, stacks] = await Promise.all([
    em.fork().find(Host, {}, { orderBy: { name: 'asc' } }),
    em.fork().find(Service, { clusterId: cluster.id }, { orderBy: { name: 'asc' } }),
    em.fork().find(HostComponent, { clusterId: cluster.id }, { orderBy: { ordinal: 'asc' } }),
    sources.stacks.list(),
  ]);
  const configs = await em.fork().find(ConfigVersion, { serviceId: { $in: services.map((service) => service.id) } });
  const manifestOf = await manifests(services, sources.stacks);
  return {
    id: cluster.id,
    name: cluster.name,
    hosts: hosts.map((host) => hostState(host, sources.reachable)),
    services: services.map((service) => {
      const config = configs.find(({ serviceId, version }) => serviceId === service.id && version === service.configVersion);
      return {
        id: service.id,
        name: service.name,
        stack: { name: service.stackName, version: service.stackVersion, digest: service.stackDigest },
        manifest: manifestOf(service.stackDigest, service.name),
        configVersion: service.configVersion,
        values: config?.values ?? {},
        overrides: config?.overrides ?? {},
        generated: service.generated,
        nextOrdinals: service.nextOrdinals,
        hostComponents: hostComponents.filter(({ serviceId }) => serviceId === service.id).map(hostComponentState),
      };
    }),
    stacks: stacks.map(({ name, version, digest, manifest }) => ({ name, version, digest, services: manifest.services })),
  };
}

/** The states a job was planned for: what it leaves, and what the host components it removes were part of. */
export async function statesOf(snapshot: Snapshot, stacks: StackStore): Promise<{ readonly next: ClusterState; readonly leaving: ClusterState }> {
  const { services, leaving, ...rest } = snapshot;
  const manifestOf = await manifests(
    [...services, ...leaving].map(({ stack }) => ({ stackDigest: stack.digest })),
    stacks,
  );
  const complete = (service: Snapshot['services'][number]): ServiceState => ({ ...service, manifest: manifestOf(service.stack.digest, service.name) });
  const next = { ...rest, services: services.map(complete), stacks: [] };
  const others = next.services.filter(({ name }) => !leaving.some((service) => service.name === name));
  return { next, leaving: { ...next, services: [...others, ...leaving.map(complete)] } };
}

/** What a job keeps of the states it was planned for: all but the manifests, which never change under their digest. */
export function snapshotOf({ state, next, change }: Pick<Planned, 'state' | 'next' | 'change'>, files: Snapshot['files']): Snapshot {
  const { stacks: _stacks, services, hosts, ...rest } = next;
  const removed = new Set(change.removedHostComponents);
  const leaving = state.services.filter((service) => service.hostComponents.some(({ id }) => removed.has(id)));
  const used = new Set([...services, ...leaving].flatMap((service) => service.hostComponents.map(({ hostId }) => hostId)));
  const bare = ({ manifest: _manifest, ...service }: ServiceState) => service;
  return { ...rest, hosts: hosts.filter(({ id }) => used.has(id)), services: services.map(bare), leaving: leaving.map(bare), files };
}

async function manifests(services: readonly Pick<ServiceRow, 'stackDigest'>[], stacks: StackStore) {
  const digests = [...new Set(services.map(({ stackDigest }) => stackDigest))];
  const loaded = new Map(await Promise.all(digests.map(async (digest) => [digest, await stacks.manifest(digest)] as const)));
  return (digest: string, service: string) => {
    const manifest = loaded.get(digest)?.services.find(({ name }) => name === service);
    if (!manifest) throw new Error(`The stack ${digest} has no service ${service}, although the cluster runs it.`);
    return manifest;
  };
}

function hostState(host: HostRow, reachable: (hostId: string) => boolean): HostState {
  const facts = host.facts;
  return {
    id: host.id,
    name: host.name,
    address: host.address,
    bind: host.bind,
    root: host.root,
    local: host.local,
    // An agent whose facts are not stored yet has only just said hello.
    reachable: facts !== null && facts !== undefined && reachable(host.id),
    clusterId: host.clusterId ?? undefined,
    privileged: facts?.privileged ?? false,
    facts: { cpus: facts?.cpus ?? 1, memory: facts?.memory ?? 0, disk: facts?.disk ?? 0, java: facts?.java ?? [] },
  };
}

function hostComponentState(row: HostComponentRow): HostComponentState {
  return {
    id: row.id,
    service: row.service,
    component: row.component,
    hostId: row.hostId,
    ordinal: row.ordinal,
    desired: row.desired,
    observed: row.observed,
    applied: row.applied ?? undefined,
    appliedValues: row.appliedValues ?? undefined,
    configVersion: row.configVersion ?? undefined,
    once: row.once,
  };
}
