import { defineRoute, type Route } from '@stackyard/contract';
import { z } from 'zod';
import { findCluster, findHost, isUuid } from '../../clusters/lookup.ts';
import { Host, type HostRow } from '../../database/entities.ts';
import { afterText, listQuery, page, pageOf } from '../cursor.ts';
import type { RouteParts } from './parts.ts';
import { HostView, hostView } from './views.ts';

const HostParams = z.strictObject({ host: z.string().max(253).describe('Id or name') });
const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;

export function hostRoutes({ em, engine, hosts, identity, server }: RouteParts): Route[] {
  // An agent whose facts are not stored yet has only just said hello: nothing can be planned on it.
  const reachable = ({ id, facts }: HostRow) => facts !== null && facts !== undefined && engine.reachable(id);
  const clusterOf = async ({ params }: { params: { host: string } }) =>
    (await findHost(em(), params.host)).clusterId ?? undefined;

  const listHosts = defineRoute({
    method: 'GET',
    url: '/hosts',
    operationId: 'listHosts',
    tag: 'hosts',
    summary: 'List hosts',
    description: 'Every host that has joined, by name.',
    permission: { action: 'read', resource: 'host' },
    audit: 'none',
    query: z.strictObject({
      ...listQuery,
      cluster: z
        .string()
        .max(100)
        .optional()
        .describe('Only hosts of this cluster (id or name); "none" for free hosts'),
    }),
    answers: { 200: { description: 'A page of hosts', schema: pageOf(HostView, 'HostPage') } },
    problems: [404],
    handle: async ({ query }) => {
      const limit = query.limit ?? 50;
      const after = afterText(query.cursor);
      const clusterId =
        query.cluster === undefined
          ? undefined
          : query.cluster === 'none'
            ? null
            : (await findCluster(em(), query.cluster)).id;
      const where = {
        ...(after === undefined ? {} : { name: { $gt: after } }),
        ...(clusterId === undefined ? {} : { clusterId }),
      };
      const rows = await em().find(Host, where, { orderBy: { name: 'asc' }, limit: limit + 1 });
      return {
        body: page(
          rows,
          limit,
          ({ name }) => name,
          (row) => hostView(row, reachable(row)),
        ),
      };
    },
  });

  const getHost = defineRoute({
    method: 'GET',
    url: '/hosts/:host',
    operationId: 'getHost',
    tag: 'hosts',
    summary: 'Read a host',
    description: 'With the facts its agent reported.',
    permission: { action: 'read', resource: 'host' },
    audit: 'none',
    clusterOf,
    params: HostParams,
    answers: { 200: { description: 'The host', schema: HostView } },
    problems: [404],
    handle: async ({ params }) => {
      const row = await findHost(em(), params.host);
      return { body: hostView(row, reachable(row)) };
    },
  });

  const createJoinToken = defineRoute({
    method: 'POST',
    url: '/hosts/tokens',
    operationId: 'createJoinToken',
    tag: 'hosts',
    summary: 'Make a join token for a host',
    description:
      'A single-use token bound to a host name. It is shown once; the server keeps its hash. A host that lost its identity joins again under its name.',
    permission: { action: 'create', resource: 'host' },
    audit: 'host.createToken',
    body: z.strictObject({
      hostName: z
        .string()
        .regex(HOST_NAME, 'use letters, digits, . and -')
        .refine((name) => !isUuid(name), 'use a name that is no id'),
      ttlSeconds: z.int().min(60).max(86_400).optional().describe('How long it can be used; 1800 when absent'),
    }),
    answers: {
      201: {
        description: 'The token',
        schema: z
          .object({
            token: z.string(),
            hostName: z.string(),
            expiresAt: z.string(),
            server: z.string().describe('host:port that agents dial'),
            enrolment: z.string().describe('host:port where the host joins, by HTTPS'),
            authoritySha256: z
              .string()
              .describe('SHA-256 (DER, hex) of the certificate of the authority that the host is to trust'),
          })
          .meta({ id: 'JoinToken' }),
      },
    },
    problems: [409],
    handle: async ({ body, principal }) => {
      const { token, hostName, expiresAt } = await hosts.issueToken({
        hostName: body.hostName,
        ttlSeconds: body.ttlSeconds,
        createdBy: principal.name,
      });
      return {
        status: 201,
        body: {
          token,
          hostName,
          expiresAt: expiresAt.toISOString(),
          server: server.agentEndpoint(),
          enrolment: server.enrolmentEndpoint(),
          authoritySha256: identity.issuingSha256,
        },
      };
    },
  });

  const revokeHost = defineRoute({
    method: 'POST',
    url: '/hosts/:host/revoke',
    operationId: 'revokeHost',
    tag: 'hosts',
    summary: 'Cut a host off',
    description:
      'Revokes the certificates of its agent, which ends everything that it has open, and makes its unused join tokens worthless. What runs on the host goes on. A new join token lets it in again.',
    permission: { action: 'change', resource: 'host' },
    audit: 'host.revoke',
    clusterOf,
    params: HostParams,
    answers: { 204: { description: 'Cut off' } },
    problems: [404],
    handle: async ({ params }) => {
      await hosts.revoke(params.host);
      return { status: 204 };
    },
  });

  const deleteHost = defineRoute({
    method: 'DELETE',
    url: '/hosts/:host',
    operationId: 'deleteHost',
    tag: 'hosts',
    summary: 'Forget a host',
    description: 'Refused while components are on it. Its agent is cut off; nothing on the host is touched.',
    permission: { action: 'delete', resource: 'host' },
    audit: 'host.delete',
    clusterOf,
    params: HostParams,
    answers: { 204: { description: 'Forgotten' } },
    problems: [404, 409],
    handle: async ({ params }) => {
      await hosts.remove(params.host);
      return { status: 204 };
    },
  });

  return [listHosts, getHost, createJoinToken, revokeHost, deleteHost];
}
