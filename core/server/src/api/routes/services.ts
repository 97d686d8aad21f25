import { defineRoute, type Route } from '@stackyard/contract';
import { LEAVING } from '@stackyard/domain';
import { asRunBy, exportsOf, type HostComponentState, isBehind, type ServiceState } from '@stackyard/planner';
import type { Pool } from 'pg';
import { z } from 'zod';
import { clusterIdOf } from '../../clusters/lookup.ts';
import { loadClusterState } from '../../commands/clusterState.ts';
import type { HostComponentRow } from '../../database/entities.ts';
import { afterText, listQuery, page, pageOf } from '../cursor.ts';
import { NotFoundError } from '../errors.ts';
import { ClusterParams } from './clusters.ts';
import type { RouteParts } from './parts.ts';

const Desired = z.enum(['ABSENT', 'INSTALLED', 'RUNNING']);
const Observed = z.enum(['UNKNOWN', 'STOPPED', 'STARTING', 'RUNNING', 'UNHEALTHY']);

const ServiceView = z
  .object({
    id: z.string(),
    name: z.string(),
    title: z.string(),
    version: z.string().describe("The product's version"),
    stack: z.object({ name: z.string(), version: z.string(), digest: z.string() }),
    configVersion: z.int(),
    components: z
      .record(z.string(), z.object({ hosts: z.int(), running: z.int() }))
      .describe('Host components by component'),
    exports: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Service' });

const HostComponentView = z
  .object({
    id: z.string(),
    service: z.string(),
    component: z.string(),
    host: z.string(),
    ordinal: z.int().describe('Handed out once, never reused'),
    desired: Desired,
    leaving: z.enum(LEAVING).nullable().describe('How far it is on its way out; DRAINED can go without a loss'),
    observed: Observed,
    observedAt: z.string().nullable(),
    message: z.string().nullable(),
    role: z.string().nullable(),
    restarts: z.int(),
    pid: z.int().nullable(),
    configVersion: z.int().nullable().describe('The config version it runs'),
    version: z.string().describe("The product's version it runs"),
    stackVersion: z.string().describe("The stack's version it runs from"),
    behind: z.boolean().describe('It runs another version than its service is to: an upgrade is under way, or stopped'),
    stale: z
      .object({ changed: z.array(z.string()), effect: z.string() })
      .nullable()
      .describe('Files that differ from what its config gives now, and what applying asks for'),
    links: z.record(z.string(), z.string()),
  })
  .meta({ id: 'HostComponent' });

export function serviceRoutes({ em, sql, sources, staleness }: RouteParts): Route[] {
  const clusterOf = ({ params }: { params: { cluster: string } }) => clusterIdOf(em(), params.cluster);
  const stateOf = async (cluster: string) => loadClusterState(cluster, sources);

  const listServices = defineRoute({
    method: 'GET',
    url: '/clusters/:cluster/services',
    operationId: 'listServices',
    tag: 'services',
    summary: 'List the services of a cluster',
    description: 'By name, with what they export.',
    permission: { action: 'read', resource: 'service' },
    audit: 'none',
    clusterOf,
    params: ClusterParams,
    query: z.strictObject(listQuery),
    answers: { 200: { description: 'A page of services', schema: pageOf(ServiceView, 'ServicePage') } },
    problems: [404],
    handle: async ({ params, query }) => {
      const limit = query.limit ?? 50;
      const after = afterText(query.cursor) ?? '';
      const state = await stateOf(params.cluster);
      // Sorted here as it is compared here; the order of the database's locale is another one.
      const sorted = state.services.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const rows = sorted.filter(({ name }) => name > after).slice(0, limit + 1);
      return {
        body: page(
          rows,
          limit,
          ({ name }) => name,
          (service) => serviceView(service, exportsOf(state, service)),
        ),
      };
    },
  });

  const getService = defineRoute({
    method: 'GET',
    url: '/clusters/:cluster/services/:service',
    operationId: 'getService',
    tag: 'services',
    summary: 'Read a service',
    description: 'With what it exports.',
    permission: { action: 'read', resource: 'service' },
    audit: 'none',
    clusterOf,
    params: ClusterParams.extend({ service: z.string().max(63) }),
    answers: { 200: { description: 'The service', schema: ServiceView } },
    problems: [404],
    handle: async ({ params }) => {
      const state = await stateOf(params.cluster);
      const service = state.services.find(({ name }) => name === params.service);
      if (!service) throw new NotFoundError({ what: 'service', name: `${params.service} in cluster ${state.name}` });
      return { body: serviceView(service, exportsOf(state, service)) };
    },
  });

  const listHostComponents = defineRoute({
    method: 'GET',
    url: '/clusters/:cluster/components',
    operationId: 'listHostComponents',
    tag: 'components',
    summary: 'List the host components of a cluster',
    description: 'Each component on each host: what is wanted, what was last seen, and whether its files are stale.',
    permission: { action: 'read', resource: 'service' },
    audit: 'none',
    clusterOf,
    params: ClusterParams,
    query: z.strictObject({
      ...listQuery,
      service: z.string().max(63).optional(),
      component: z.string().max(63).optional(),
      host: z.string().max(253).optional().describe('Host name'),
      observed: Observed.optional(),
      stale: z.enum(['true', 'false']).optional(),
    }),
    answers: {
      200: { description: 'A page of host components', schema: pageOf(HostComponentView, 'HostComponentPage') },
    },
    problems: [404],
    handle: async ({ params, query }) => {
      const state = await stateOf(params.cluster);
      const old = await staleness.of(state);
      const hostNames = new Map(state.hosts.map(({ id, name, address }) => [id, { name, address }]));
      const all = state.services
        .flatMap((service) =>
          service.hostComponents.map((hostComponent) => ({
            service,
            hostComponent,
            host: hostNames.get(hostComponent.hostId),
            stale: old.get(hostComponent.id),
          })),
        )
        .filter(({ hostComponent, host, stale }) => {
          if (query.service !== undefined && hostComponent.service !== query.service) return false;
          if (query.component !== undefined && hostComponent.component !== query.component) return false;
          if (query.host !== undefined && host?.name !== query.host) return false;
          if (query.observed !== undefined && hostComponent.observed !== query.observed) return false;
          return query.stale === undefined || (stale !== undefined) === (query.stale === 'true');
        })
        .map((entry) => ({ ...entry, key: keyOf(entry.hostComponent) }))
        .sort((a, b) => (a.key < b.key ? -1 : 1));
      const limit = query.limit ?? 50;
      const after = afterText(query.cursor) ?? '';
      const shown = all.filter(({ key }) => key > after).slice(0, limit + 1);
      // Only those of the page are read, and what is gone by now is left out.
      const found = await selectSeen(
        sql,
        shown.map(({ hostComponent }) => hostComponent.id),
      );
      const rows = new Map(found.map((row) => [row.id, row]));
      return {
        body: page(
          shown.flatMap((entry) => {
            const row = rows.get(entry.hostComponent.id);
            return row ? [{ ...entry, row }] : [];
          }),
          limit,
          ({ key }) => key,
          ({ row, host, stale, service, hostComponent }) =>
            hostComponentView(row, {
              host: host?.name ?? '',
              address: host?.address ?? '',
              stale,
              service: asRunBy(service, hostComponent),
              behind: isBehind(service, hostComponent),
            }),
        ),
      };
    },
  });

  return [listServices, getService, listHostComponents];
}

/** What is shown of a host component. */
type SeenHostComponent = Omit<
  HostComponentRow,
  'clusterId' | 'serviceId' | 'hostId' | 'applied' | 'once' | 'stackDigest' | 'createdAt'
>;

async function selectSeen(sql: Pool, ids: readonly string[]): Promise<SeenHostComponent[]> {
  const { rows } = await sql.query<SeenHostComponent>({
    name: 'host-components-by-id',
    text: `select id, service, component, ordinal, desired, leaving, observed, observed_at as "observedAt",
        observed_message as "observedMessage", role, restarts, pid, applied_values as "appliedValues",
        config_version as "configVersion"
      from host_component where id = any($1::uuid[])`,
    values: [ids],
  });
  return rows;
}

function keyOf({ service, component, ordinal }: HostComponentState): string {
  return `${service}/${component}/${String(ordinal).padStart(9, '0')}`;
}

function serviceView(service: ServiceState, exports: Readonly<Record<string, unknown>>) {
  const components = Object.fromEntries(
    service.manifest.components.map(({ name }) => {
      const own = service.hostComponents.filter(({ component }) => component === name);
      return [name, { hosts: own.length, running: own.filter(({ observed }) => observed === 'RUNNING').length }];
    }),
  );
  const { id, name, manifest, stack, configVersion } = service;
  return { id, name, title: manifest.title, version: manifest.version, stack, configVersion, components, exports };
}

function hostComponentView(
  row: SeenHostComponent,
  {
    host,
    address,
    stale,
    service,
    behind,
  }: {
    host: string;
    address: string;
    stale: { readonly changed: readonly string[]; readonly effect: string } | undefined;
    /** As it runs it. */
    service: ServiceState;
    behind: boolean;
  },
): z.infer<typeof HostComponentView> {
  const links = service.manifest.components.find(({ name }) => name === row.component)?.links ?? {};
  const values = row.appliedValues ?? {};
  return {
    id: row.id,
    service: row.service,
    component: row.component,
    host,
    ordinal: row.ordinal,
    desired: row.desired,
    leaving: row.leaving ?? null,
    observed: row.observed,
    observedAt: row.observedAt?.toISOString() ?? null,
    message: row.observedMessage ?? null,
    role: row.role ?? null,
    restarts: row.restarts,
    pid: row.pid ?? null,
    configVersion: row.configVersion ?? null,
    version: service.manifest.version,
    stackVersion: service.stack.version,
    behind,
    stale: stale ? { changed: [...stale.changed], effect: stale.effect } : null,
    links: Object.fromEntries(
      Object.entries(links).flatMap(([title, { port, path }]) => {
        const value =
          'property' in port
            ? values[port.property.config]?.[port.property.property]
            : 'literal' in port
              ? port.literal
              : undefined;
        return typeof value === 'number' ? [[title, `http://${address}:${value}${path}`]] : [];
      }),
    ),
  };
}
