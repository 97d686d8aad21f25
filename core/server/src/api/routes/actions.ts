import { defineRoute, type Route } from '@stackyard/contract';
import { PROPERTY_TYPES } from '@stackyard/sdk/manifest';
import { z } from 'zod';
import { clusterIdOf } from '../../clusters/lookup.ts';
import { loadClusterState } from '../../commands/clusterState.ts';
import { NotFoundError } from '../errors.ts';
import { ClusterParams } from './clusters.ts';
import type { RouteParts } from './parts.ts';
import { Json } from './views.ts';

const ActionView = z
  .object({
    component: z.string(),
    name: z.string(),
    title: z.string(),
    help: z.string(),
    on: z.enum(['each', 'one']).describe('Whether each host component that is asked runs it, or the first that runs'),
    danger: z.string().nullable().describe('What may be lost: running it asks for agreement'),
    timeoutSeconds: z.number(),
    idempotent: z.boolean().describe('It may be tried again by itself'),
    input: z.array(
      z.object({
        name: z.string(),
        type: z.enum(PROPERTY_TYPES),
        help: z.string(),
        required: z.boolean(),
        default: Json.describe('Where it is a constant'),
        unit: z.string().nullable(),
        min: z.number().nullable(),
        max: z.number().nullable(),
        pattern: z.string().nullable(),
        values: z.array(z.string()).nullable(),
      }),
    ),
  })
  .meta({ id: 'Action' });

export function actionRoutes({ em, sources }: RouteParts): Route[] {
  const listActions = defineRoute({
    method: 'GET',
    url: '/clusters/:cluster/services/:service/actions',
    operationId: 'listActions',
    tag: 'services',
    summary: 'List the actions of a service',
    description:
      'What its components offer beside their life, with what each asks for. Run one by the command "action".',
    permission: { action: 'read', resource: 'service' },
    audit: 'none',
    clusterOf: ({ params }: { params: { cluster: string } }) => clusterIdOf(em(), params.cluster),
    params: ClusterParams.extend({ service: z.string().max(63) }),
    answers: {
      200: {
        description: 'All of them, in the order of the definition',
        schema: z.object({ items: z.array(ActionView) }).meta({ id: 'ActionList' }),
      },
    },
    problems: [404],
    handle: async ({ params }) => {
      const state = await loadClusterState(params.cluster, sources);
      const service = state.services.find(({ name }) => name === params.service);
      if (!service) throw new NotFoundError({ what: 'service', name: `${params.service} in cluster ${state.name}` });
      const items = service.manifest.components.flatMap(({ name: component, actions = [] }) =>
        actions.map((action) => actionView(component, action)),
      );
      return { body: { items } };
    },
  });
  return [listActions];
}

type Action = NonNullable<
  Awaited<ReturnType<typeof loadClusterState>>['services'][number]['manifest']['components'][number]['actions']
>[number];

function actionView(component: string, { timeout, danger, input, ...rest }: Action): z.infer<typeof ActionView> {
  return {
    component,
    ...rest,
    danger: danger ?? null,
    timeoutSeconds: timeout,
    input: input.map(({ name, type, help, default: value, optional, when, unit, min, max, pattern, values }) => ({
      name,
      type,
      help,
      required: !(value || optional || when),
      default: value && 'literal' in value ? (value.literal as z.infer<typeof Json>) : null,
      unit: unit ?? null,
      min: min ?? null,
      max: max ?? null,
      pattern: pattern ?? null,
      values: values ?? null,
    })),
  };
}
