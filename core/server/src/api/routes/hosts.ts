import { defineRoute, type Route } from '@stackyard/contract';
import { z } from 'zod';
import { findCluster, findHost, isUuid } from '../../clusters/lookup.ts';
import { Host, type HostRow } from '../../database/entities.ts';
import { afterText, listQuery, page, pageOf } from '../cursor.ts';
import type { RouteParts } from './parts.ts';
import { HostView, hostView } from './views.ts';

const HostParams = z.strictObject({ host: z.string().max(253).describe('Id or name') });
/** What a host needs beside its token. */
const whereToJoin = {
  expiresAt: z.string(),
  server: z.string().describe('host:port that agents dial'),
  enrolment: z.string().describe('host:port where the host joins, by HTTPS'),
  authoritySha256: z
    .string()
    .describe('SHA-256 (DER, hex) of the certificate of the authority that the host is to trust'),
};
const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;
const HostName = z
  .string()
  .regex(HOST_NAME, 'use letters, digits, . and -')
  .refine((name) => !isUuid(name), 'use a name that is no id');
const TtlSeconds = z.int().min(60).max(86_400).optional().describe('How long it can be used; 1800 when absent');

export function hostRoutes({ em, engine, hosts, identity, server }: RouteParts): Route[] {
  // An agent whose facts are not stored yet has only just said hello: nothing can be planned on it.
  const reachable = ({ id, facts }: HostRow) => facts !== null && facts !== undefined && engine.reachable(id);
  const clusterOf = async ({ params }: { params: { host: string } }) =>
    (await findHost(em(), params.host)).clusterId ?? undefined;

  const joinAt = (expiresAt: Date) => ({
    expiresAt: expiresAt.toISOString(),
    server: server.agentEndpoint(),
    enrolment: server.enrolmentEndpoint(),
    authoritySha256: identity.issuingSha256,
  });

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
    body: z.strictObject({ hostName: HostName, ttlSeconds: TtlSeconds }),
    answers: {
      201: {
        description: 'The token',
        schema: z
          .object({
            token: z.string(),
            hostName: z.string(),
            ...whereToJoin,
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
        body: { token, hostName, ...joinAt(expiresAt) },
      };
    },
  });

  const createJoinTokens = defineRoute({
    method: 'POST',
    url: '/hosts/tokens/batch',
    operationId: 'createJoinTokens',
    tag: 'hosts',
    summary: 'Make join tokens for many hosts',
    description: 'As one for each host, all of them or none: for hosts that are set up by a program.',
    permission: { action: 'create', resource: 'host' },
    audit: 'host.createTokens',
    body: z.strictObject({
      hostNames: z
        .array(HostName)
        .min(1)
        .max(1_000)
        .refine((names) => new Set(names).size === names.length, 'name each host once'),
      ttlSeconds: TtlSeconds,
    }),
    answers: {
      201: {
        description: 'The tokens, in the order of the names',
        schema: z
          .object({ tokens: z.array(z.object({ hostName: z.string(), token: z.string() })), ...whereToJoin })
          .meta({ id: 'JoinTokens' }),
      },
    },
    problems: [409],
    handle: async ({ body, principal }) => {
      const issued = await hosts.issueTokens({ ...body, createdBy: principal.name });
      const tokens = issued.map(({ hostName, token }) => ({ hostName, token }));
      return { status: 201, body: { tokens, ...joinAt(issued[0]!.expiresAt) } };
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

  return [listHosts, getHost, createJoinToken, createJoinTokens, revokeHost, deleteHost];
}
