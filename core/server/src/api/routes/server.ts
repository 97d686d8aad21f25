import { defineRoute, type Route } from '@stackyard/contract';
import { z } from 'zod';
import type { RouteParts } from './parts.ts';

export function serverRoutes({ server }: RouteParts): Route[] {
  const getServer = defineRoute({
    method: 'GET',
    url: '/server',
    operationId: 'getServer',
    tag: 'server',
    summary: 'Read what this server is',
    description: 'Its version, its identity, and where agents dial it.',
    permission: { action: 'read', resource: 'server' },
    audit: 'none',
    answers: {
      200: {
        description: 'The server',
        schema: z
          .object({
            version: z.string(),
            installId: z.string(),
            epoch: z.int(),
            startedAt: z.string(),
            agentEndpoint: z.string().describe('host:port'),
            enrolmentEndpoint: z.string().describe('host:port where hosts join, by HTTPS'),
          })
          .meta({ id: 'Server' }),
      },
    },
    handle: async () => {
      const { version, installId, epoch, startedAt } = server;
      return {
        body: {
          version,
          installId,
          epoch,
          startedAt: startedAt.toISOString(),
          agentEndpoint: server.agentEndpoint(),
          enrolmentEndpoint: server.enrolmentEndpoint(),
        },
      };
    },
  });

  return [getServer];
}
