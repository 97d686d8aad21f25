import { randomUUID } from 'node:crypto';
import { defineRoute, type Route } from '@stackyard/contract';
import { recommend } from '@stackyard/planner';
import { z } from 'zod';
import type { ClusterLook } from '../../commands/clusterState.ts';
import { NoticeView } from '../../commands/view.ts';
import { ClusterParams } from './clusters.ts';
import { Additions } from './commands.ts';
import type { RouteParts } from './parts.ts';

const RecommendationView = z
  .object({
    services: z.array(
      z.object({
        service: z.string(),
        version: z.string().describe("The product's version"),
        places: z.array(
          z.object({ component: z.string(), hosts: z.array(z.string()), reason: z.string().describe('Why there') }),
        ),
        values: z
          .array(
            z.object({
              config: z.string(),
              property: z.string(),
              unit: z.string().optional(),
              from: z.array(z.string()).describe('The facts of the host that it is computed from'),
              values: z.array(z.object({ value: z.unknown(), hosts: z.array(z.string()) })),
            }),
          )
          .describe('What the stack computes from facts of the hosts; it is used unless another value is set'),
      }),
    ),
    problems: z.array(NoticeView).describe('Why it could not be added as it is'),
    warnings: z.array(NoticeView),
  })
  .meta({ id: 'Recommendation' });

export function recommendationRoutes({ commands }: RouteParts): Route[] {
  const looks = new WeakMap<object, Promise<ClusterLook>>();
  const clusterOf = async (request: { params: { cluster: string } }) => {
    const look = commands.look(request.params.cluster);
    looks.set(request, look);
    return (await look).state.id;
  };

  const recommendServices = defineRoute({
    method: 'POST',
    url: '/clusters/:cluster/recommendations',
    operationId: 'recommendServices',
    tag: 'plans',
    summary: 'Recommend where services go and how large they are',
    description:
      'Hosts for each component, with the reason, and the values that the stack computes from facts of those hosts. Components that the body places stay there. Nothing is changed, and nothing is refused: what stands in the way comes with the answer.',
    permission: { action: 'read', resource: 'plan' },
    audit: 'none',
    clusterOf,
    params: ClusterParams,
    body: z.strictObject({ services: Additions }),
    answers: { 200: { description: 'The recommendation', schema: RecommendationView } },
    problems: [404],
    handle: async (request) => {
      const look = await (looks.get(request) ?? commands.look(request.params.cluster));
      const { services } = commands.sealed(look, { command: 'add' as const, services: request.body.services });
      return { body: recommend(look.state, services, { newId: randomUUID }) };
    },
  });

  return [recommendServices];
}
