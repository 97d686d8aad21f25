import type { ClusterState, HostComponentState, HostState, Plan, ServiceState, StackRef } from '@stackyard/planner';
import { OS_FAMILIES, type PackageManifest, type ServiceManifest } from '@stackyard/sdk/manifest';
import type { Pool } from 'pg';
import { NotFoundError } from '../api/errors.ts';
import { isUuid } from '../clusters/lookup.ts';
import type {
  ConfigVersionRow,
  HostComponentRow,
  HostRow,
  ServiceRow,
  Snapshot,
  SnapshotService,
} from '../database/entities.ts';
import type { PlanningStacks } from '../stacks/store.ts';
import type { Planned } from './planning.ts';

/** Where the planner's picture of a cluster comes from besides its rows. */
export interface StateSources {
  readonly sql: Pool;
  readonly stacks: PlanningStacks;
  readonly reachable: (hostId: string) => boolean;
  /** What hosts get whose own JDKs do not suit. */
  readonly javaRuntime?: PackageManifest | undefined;
}

type HostFields = Pick<HostRow, 'id' | 'name' | 'address' | 'bind' | 'root' | 'local' | 'clusterId' | 'facts'>;
type ServiceFields = Omit<ServiceRow, 'clusterId' | 'createdAt'> &
  Partial<Pick<ConfigVersionRow, 'values' | 'overrides'>>;
type HostComponentFields = Omit<
  HostComponentRow,
  'clusterId' | 'observedAt' | 'observedMessage' | 'restarts' | 'pid' | 'createdAt'
>;

interface ClusterFields {
  readonly id: string;
  readonly name: string;
  readonly revision: number;
  readonly hosts: readonly HostFields[];
  readonly services: readonly ServiceFields[];
  readonly hostComponents: readonly HostComponentFields[];
}

/** A cluster as it was at one moment. */
export interface ClusterLook {
  readonly state: ClusterState;
  readonly revision: number;
}

/** One statement, so one round trip and one moment; plain rows, for managed ones cost fifty times as much. */
const clusterQuery = `select c.id, c.name, c.revision,
  (select coalesce(json_agg(h order by h.name), '[]') from (
     select id, name, address, bind, root, local, cluster_id as "clusterId", facts from host) h) as hosts,
  (select coalesce(json_agg(s order by s.name), '[]') from (
     select service.id, name, stack_name as "stackName", service.stack_version as "stackVersion", stack_digest as "stackDigest",
       config_version as "configVersion", generated, laid_aside as "laidAside", next_ordinals as "nextOrdinals", v.values, v.overrides
     from service left join config_version v on v.service_id = service.id and v.version = service.config_version
     where cluster_id = c.id) s) as services,
  (select coalesce(json_agg(hc order by hc.ordinal), '[]') from (
     select id, service_id as "serviceId", service, component, host_id as "hostId", ordinal, desired, observed, applied,
       applied_values as "appliedValues", config_version as "configVersion", once, leaving,
       stack_digest as "stackDigest", role
     from host_component where cluster_id = c.id) hc) as "hostComponents"
  from cluster c`;

/**
 * The planner's picture of a cluster, and of every host and stack that a command on it may name, with the revision it
 * is the picture of; undefined when there is no such cluster.
 */
export async function readCluster(idOrName: string, sources: StateSources): Promise<ClusterLook | undefined> {
  const by = isUuid(idOrName) ? 'id' : 'name';
  const text = `${clusterQuery} where c.${by} = $1`;
  const [{ rows }, stacks] = await Promise.all([
    sources.sql.query<ClusterFields>({ name: `cluster-state-by-${by}`, text, values: [idOrName] }),
    sources.stacks.list(),
  ]);
  const [cluster] = rows;
  if (!cluster) return undefined;
  const manifestOf = await manifests(digestsOf(cluster), sources.stacks);
  const ofService = Map.groupBy(cluster.hostComponents, ({ serviceId }) => serviceId);
  const state = {
    id: cluster.id,
    name: cluster.name,
    hosts: cluster.hosts.map((host) => hostState(host, sources.reachable)),
    javaRuntime: sources.javaRuntime,
    services: cluster.services.map((service) => {
      return {
        id: service.id,
        name: service.name,
        stack: { name: service.stackName, version: service.stackVersion, digest: service.stackDigest },
        manifest: manifestOf.service(service.stackDigest, service.name),
        otherVersions: otherDigests(service.stackDigest, ofService.get(service.id) ?? []).map((digest) => ({
          stack: manifestOf.stack(digest),
          manifest: manifestOf.service(digest, service.name),
        })),
        laidAside: service.laidAside ?? undefined,
        configVersion: service.configVersion,
        values: service.values ?? {},
        overrides: service.overrides ?? {},
        generated: service.generated,
        nextOrdinals: service.nextOrdinals,
        hostComponents: (ofService.get(service.id) ?? []).map(hostComponentState),
      };
    }),
    stacks: stacks.map(({ name, version, digest, manifest }) => ({
      name,
      version,
      digest,
      services: manifest.services,
    })),
  };
  return { state, revision: cluster.revision };
}

/** As readCluster, of a cluster by id or name. @throws NotFoundError */
export async function loadClusterState(idOrName: string, sources: StateSources): Promise<ClusterState> {
  const read = await readCluster(idOrName, sources);
  if (!read) throw new NotFoundError({ what: 'cluster', name: idOrName });
  return read.state;
}

/** The states a job was planned for: what it leaves, and what the host components it removes were part of. */
export async function statesOf(
  snapshot: Snapshot,
  stacks: PlanningStacks,
): Promise<{ readonly next: ClusterState; readonly leaving: ClusterState }> {
  const { services, leaving, files: _files, drains: _drains, ...rest } = snapshot;
  const manifestOf = await manifests(
    [...services, ...leaving].flatMap(({ stack, otherVersions = [] }) => [
      stack.digest,
      ...otherVersions.map((other) => other.stack.digest),
    ]),
    stacks,
  );
  const complete = (service: SnapshotService): ServiceState => ({
    ...service,
    manifest: manifestOf.service(service.stack.digest, service.name),
    otherVersions: service.otherVersions?.map(({ stack }) => ({
      stack,
      manifest: manifestOf.service(stack.digest, service.name),
    })),
  });
  const next = { ...rest, services: services.map(complete), stacks: [] };
  const others = next.services.filter(({ name }) => !leaving.some((service) => service.name === name));
  return { next, leaving: { ...next, services: [...others, ...leaving.map(complete)] } };
}

/** What a job keeps of the states it was planned for: all but the manifests, which never change under their digest. */
export function snapshotOf(
  { state, next, change, plan }: Pick<Planned, 'state' | 'next' | 'change'> & { readonly plan: Pick<Plan, 'drains'> },
  files: Snapshot['files'],
): Snapshot {
  const { stacks: _stacks, services, hosts, ...rest } = next;
  const removed = new Set(change.removedHostComponents);
  const leaving = state.services.filter((service) => service.hostComponents.some(({ id }) => removed.has(id)));
  const used = new Set(
    [...services, ...leaving].flatMap((service) => service.hostComponents.map(({ hostId }) => hostId)),
  );
  const bare = ({ manifest: _manifest, otherVersions = [], ...service }: ServiceState): SnapshotService => ({
    ...service,
    ...(otherVersions.length > 0 ? { otherVersions: otherVersions.map(({ stack }) => ({ stack })) } : {}),
  });
  return {
    ...rest,
    hosts: hosts.filter(({ id }) => used.has(id)),
    services: services.map(bare),
    leaving: leaving.map(bare),
    files,
    ...(Object.keys(plan.drains).length > 0 ? { drains: plan.drains } : {}),
  };
}

/** The artifacts that a cluster's services are to run from, and those that its host components still run from. */
function digestsOf({ services, hostComponents }: ClusterFields): string[] {
  return [
    ...services.map(({ stackDigest }) => stackDigest),
    ...hostComponents.flatMap(({ stackDigest }) => stackDigest ?? []),
  ];
}

function otherDigests(own: string, hostComponents: readonly HostComponentFields[]): string[] {
  const digests = new Set(hostComponents.flatMap(({ stackDigest }) => stackDigest ?? []));
  digests.delete(own);
  return [...digests];
}

async function manifests(digests: readonly string[], stacks: PlanningStacks) {
  const loaded = new Map(
    await Promise.all([...new Set(digests)].map(async (digest) => [digest, await stacks.manifest(digest)] as const)),
  );
  const of = (digest: string) => {
    const manifest = loaded.get(digest);
    if (!manifest) throw new Error(`The stack ${digest} was not read.`);
    return manifest;
  };
  return {
    stack: (digest: string): StackRef => ({ name: of(digest).name, version: of(digest).version, digest }),
    service: (digest: string, service: string): ServiceManifest => {
      const manifest = of(digest).services.find(({ name }) => name === service);
      if (!manifest) throw new Error(`The stack ${digest} has no service ${service}, although the cluster runs it.`);
      return manifest;
    },
  };
}

function hostState(host: HostFields, reachable: (hostId: string) => boolean): HostState {
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
    ...(facts ? { os: { name: facts.os, family: OS_FAMILIES.find((family) => family === facts.osFamily) } } : {}),
    ...(facts?.arch ? { arch: facts.arch } : {}),
    privileged: facts?.privileged ?? false,
    facts: { cpus: facts?.cpus ?? 1, memory: facts?.memory ?? 0, disk: facts?.disk ?? 0, java: facts?.java ?? [] },
  };
}

function hostComponentState(row: HostComponentFields): HostComponentState {
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
    ...(row.leaving ? { leaving: row.leaving } : {}),
    stackDigest: row.stackDigest ?? undefined,
    role: row.role ?? undefined,
  };
}
