import type { Route } from '@stackyard/contract';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { catalogue } from './catalogue.ts';
import { API_PREFIX } from './openapi.ts';

const Problems = z.object({ items: z.array(z.object({ code: z.string(), status: z.int(), title: z.string() })) }).meta({
  id: 'ProblemCatalogue',
  example: { items: [{ code: 'PLAN_STALE', status: 409, title: 'The cluster changed since the plan was made' }] },
});

/** What can be read without a token: what the API is, and what its problems are. Nothing about this installation. */
export function addPublicRoutes(app: FastifyInstance, routes: readonly Route[]): void {
  const ofPlugins = new Map(
    routes.flatMap(({ refusals = [] }) =>
      refusals.map(({ error: { code, title }, status }) => [code, { code, status, title }] as const),
    ),
  );
  app.get(`${API_PREFIX}/openapi.json`, { schema: { hide: true } as never }, async (_request, reply) =>
    reply.type('application/json').send(app.swagger()),
  );
  app.get(
    `${API_PREFIX}/problems`,
    {
      schema: {
        operationId: 'listProblems',
        tags: ['server'],
        summary: 'List the codes of problems',
        description: 'Every code a problem may have, with its status; its `type` points here. Needs no token.',
        security: [],
        response: { 200: { description: 'The catalogue', content: { 'application/json': { schema: Problems } } } },
      } as never,
    },
    async () => ({ items: [...catalogue, ...ofPlugins.values()] }),
  );
}
