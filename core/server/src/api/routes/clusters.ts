import { defineRoute, type Route } from '@stackyard/contract';
import { exportsOf } from '@stackyard/planner';
import { z } from 'zod';
import { findCluster, isUuid } from '../../clusters/lookup.ts';
import { loadClusterState } from '../../commands/clusterState.ts';
import { Cluster } from '../../database/entities.ts';
import { afterText, listQuery, page, pageOf } from '../cursor.ts';
import { etagOf } from '../etag.ts';
import type { RouteParts } from './parts.ts';
import { ClusterView, clusterView } from './views.ts';

export const ClusterParams = z.strictObject({ cluster: z.string().max(100).describe('Id or name') });
const HostNames = z.array(z.string().min(1).max(253)).max(5_000);

export function clusterRoutes({ em, clusters, sources }: RouteParts): Route[] {
  const clusterOf = async ({ params }: { params: { cluster: string } }) => (await findCluster(em(), params.cluster)).id;

  const listClusters = defineRoute({
    method: 'GET',
    url: '/clusters',
    operationId: 'listClusters',
    tag: 'clusters',
    summary: 'List clusters',
    description: 'By name.',
    permission: { action: 'read', resource: 'cluster' },
    audit: 'none',
    query: z.strictObject(listQuery),
    answers: { 200: { description: 'A page of clusters', schema: pageOf(ClusterView, 'ClusterPage') } },
    handle: async ({ query }) => {
      const limit = query.limit ?? 50;
      const after = afterText(query.cursor);
      const rows = await em().find(Cluster, after === undefined ? {} : { name: { $gt: after } }, {
        orderBy: { name: 'asc' },
        limit: limit + 1,
      });
      return { body: page(rows, limit, ({ name }) => name, clusterView) };
    },
  });

  const createCluster = defineRoute({
    method: 'POST',
    url: '/clusters',
    operationId: 'createCluster',
    tag: 'clusters',
    summary: 'Create a cluster',
    description: 'A cluster starts empty, or with hosts that belong to no other cluster.',
    permission: { action: 'create', resource: 'cluster' },
    audit: 'cluster.create',
    idempotent: true,
    body: z.strictObject({
      name: z
        .string()
        .regex(/^[a-z][a-z0-9-]{0,62}$/, 'use lower-case letters, digits and -, starting with a letter')
        .refine((name) => !isUuid(name) && name !== 'none', 'use a name that is no id, nor "none"'),
      title: z.string().max(200).optional(),
      hosts: HostNames.optional().describe('Names of joined hosts'),
    }),
    answers: { 201: { description: 'The new cluster', schema: ClusterView } },
    problems: [404, 409, 422],
    handle: async ({ body }) => {
      const row = await clusters.create({ name: body.name, title: body.title, hosts: body.hosts ?? [] });
      return {
        status: 201,
        headers: { location: `/api/v1/clusters/${row.id}`, etag: etagOf('cluster', row.revision) },
        body: clusterView(row),
      };
    },
  });

  const getCluster = defineRoute({
    method: 'GET',
    url: '/clusters/:cluster',
    operationId: 'getCluster',
    tag: 'clusters',
    summary: 'Read a cluster',
    description: 'Its ETag is the revision that plans are bound to.',
    permission: { action: 'read', resource: 'cluster' },
    audit: 'none',
    clusterOf,
    params: ClusterParams,
    answers: { 200: { description: 'The cluster', schema: ClusterView } },
    problems: [404],
    handle: async ({ params }) => {
      const row = await findCluster(em(), params.cluster);
      return { headers: { etag: etagOf('cluster', row.revision) }, body: clusterView(row) };
    },
  });

  const deleteCluster = defineRoute({
    method: 'DELETE',
    url: '/clusters/:cluster',
    operationId: 'deleteCluster',
    tag: 'clusters',
    summary: 'Delete an empty cluster',
    description: 'Refused while it has services or unfinished jobs. Its hosts become free; nothing on them is touched.',
    permission: { action: 'delete', resource: 'cluster' },
    audit: 'cluster.delete',
    clusterOf,
    params: ClusterParams,
    answers: { 204: { description: 'Deleted' } },
    problems: [404, 409],
    handle: async ({ params }) => {
      await clusters.delete(params.cluster);
      return { status: 204 };
    },
  });

  const addClusterHosts = defineRoute({
    method: 'POST',
    url: '/clusters/:cluster/hosts',
    operationId: 'addClusterHosts',
    tag: 'clusters',
    summary: 'Put hosts into a cluster',
    description: 'A host belongs to one cluster at most. Hosts that are in this one already stay.',
    permission: { action: 'change', resource: 'cluster' },
    audit: 'cluster.addHosts',
    idempotent: true,
    clusterOf,
    params: ClusterParams,
    body: z.strictObject({ hosts: HostNames.min(1) }),
    answers: { 200: { description: 'The cluster', schema: ClusterView } },
    problems: [404, 409],
    handle: async ({ params, body }) => ({ body: clusterView(await clusters.addHosts(params.cluster, body.hosts)) }),
  });

  const removeClusterHost = defineRoute({
    method: 'DELETE',
    url: '/clusters/:cluster/hosts/:host',
    operationId: 'removeClusterHost',
    tag: 'clusters',
    summary: 'Take a host out of a cluster',
    description: 'Refused while components are on it. The host stays joined and is free for another cluster.',
    permission: { action: 'change', resource: 'cluster' },
    audit: 'cluster.removeHost',
    clusterOf,
    params: ClusterParams.extend({ host: z.string().max(253).describe('Id or name') }),
    answers: { 200: { description: 'The cluster', schema: ClusterView } },
    problems: [404, 409],
    handle: async ({ params }) => ({ body: clusterView(await clusters.removeHost(params.cluster, params.host)) }),
  });

  const getClusterExports = defineRoute({
    method: 'GET',
    url: '/clusters/:cluster/exports',
    operationId: 'getClusterExports',
    tag: 'clusters',
    summary: 'Read what the services of a cluster export',
    description: 'Values for clients and other services, such as a connect string, by service and export.',
    permission: { action: 'read', resource: 'cluster' },
    audit: 'none',
    clusterOf,
    params: ClusterParams,
    answers: {
      200: {
        description: 'Exports by service',
        schema: z.record(z.string(), z.record(z.string(), z.unknown())),
        example: { zookeeper: { connect: '127.0.0.11:2181,127.0.0.12:2181' } },
      },
    },
    problems: [404],
    handle: async ({ params }) => {
      const state = await loadClusterState(params.cluster, sources);
      return { body: Object.fromEntries(state.services.map((service) => [service.name, exportsOf(state, service)])) };
    },
  });

  return [
    listClusters,
    createCluster,
    getCluster,
    deleteCluster,
    addClusterHosts,
    removeClusterHost,
    getClusterExports,
  ];
}
