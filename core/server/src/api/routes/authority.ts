import { defineRoute, type Route } from '@stackyard/contract';
import { z } from 'zod';
import type { AuthorityStatus } from '../../identity/identity.ts';
import { rotationSteps } from '../../identity/rotation.ts';
import type { RouteParts } from './parts.ts';

const AuthorityView = z
  .object({
    phase: z
      .enum(['SETTLED', 'INTRODUCED', 'SWITCHED'])
      .describe(
        'SETTLED: one authority. INTRODUCED: agents trust both, the old one signs. SWITCHED: they trust both, the new one signs',
      ),
    issuing: z.string().describe('SHA-256 (DER, hex) of the authority that signs'),
    trusted: z
      .array(z.object({ sha256: z.string(), expiresAt: z.string() }))
      .describe('Every authority that is trusted, the one that signs first'),
    possible: z.array(z.enum(rotationSteps)).describe('Steps that can be taken now'),
    behind: z.array(z.string()).describe('Hosts that are not ready for the next step, which would cut them off'),
  })
  .meta({ id: 'Authority' });

export function authorityRoutes({ identity }: RouteParts): Route[] {
  const getAuthority = defineRoute({
    method: 'GET',
    url: '/server/authority',
    operationId: 'getAuthority',
    tag: 'server',
    summary: 'Read the certificate authority',
    description: 'Who vouches for this server and its agents, and how far a rotation is.',
    permission: { action: 'read', resource: 'server' },
    audit: 'none',
    answers: { 200: { description: 'The authority', schema: AuthorityView } },
    handle: async () => ({ body: authorityView(await identity.authorityStatus()) }),
  });

  const rotateAuthority = defineRoute({
    method: 'POST',
    url: '/server/authority/rotate',
    operationId: 'rotateAuthority',
    tag: 'server',
    summary: 'Take a step of a rotation of the authority',
    description:
      '"start" makes a new authority and lets agents trust both; "switch" signs by the new one, and agents renew; "finish" drops the old one; "rollback" goes one step back. A step that would cut hosts off is refused and names them, unless it is forced.',
    permission: { action: 'change', resource: 'server' },
    audit: 'server.rotateAuthority',
    body: z.strictObject({ step: z.enum(rotationSteps), force: z.boolean().optional() }),
    answers: { 200: { description: 'How far it is then', schema: AuthorityView } },
    problems: [409],
    handle: async ({ body }) => {
      await identity.rotate(body.step, { force: body.force ?? false });
      return { body: authorityView(await identity.authorityStatus()) };
    },
  });

  return [getAuthority, rotateAuthority];
}

function authorityView({ trusted, ...status }: AuthorityStatus) {
  return {
    ...status,
    possible: [...status.possible],
    behind: [...status.behind],
    trusted: trusted.map(({ sha256, expiresAt }) => ({ sha256, expiresAt: expiresAt.toISOString() })),
  };
}
