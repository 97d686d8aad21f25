import { defineRoute, type Route } from '@stackyard/contract';
import { z } from 'zod';
import type { StackRow } from '../../database/entities.ts';
import { afterText, listQuery, page, pageOf } from '../cursor.ts';
import { NotFoundError } from '../errors.ts';
import type { RouteParts } from './parts.ts';
import { StackView, stackView } from './views.ts';

export function stackRoutes({ stacks, trust }: RouteParts): Route[] {
  const listStacks = defineRoute({
    method: 'GET',
    url: '/stacks',
    operationId: 'listStacks',
    tag: 'stacks',
    summary: 'List the installed stacks',
    description: 'Every installed version of every stack, by name.',
    permission: { action: 'read', resource: 'stack' },
    audit: 'none',
    query: z.strictObject({ ...listQuery, name: z.string().max(200).optional().describe('Only this stack') }),
    answers: { 200: { description: 'A page of stacks', schema: pageOf(StackView, 'StackPage') } },
    handle: async ({ query }) => {
      const limit = query.limit ?? 50;
      const after = afterText(query.cursor) ?? '';
      const rows = (await stacks.list())
        .filter((row) => (query.name === undefined || row.name === query.name) && keyOf(row) > after)
        .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
      const states = await trust.keyStates();
      return { body: page(rows.slice(0, limit + 1), limit, keyOf, (row) => stackView(row, states)) };
    },
  });

  const getStack = defineRoute({
    method: 'GET',
    url: '/stacks/:stackId',
    operationId: 'getStack',
    tag: 'stacks',
    summary: 'Read a stack with its manifest',
    description:
      'The manifest is all that the server knows of a stack: definitions of services, components, configs and their properties.',
    permission: { action: 'read', resource: 'stack' },
    audit: 'none',
    params: z.strictObject({ stackId: z.string().max(100) }),
    answers: {
      200: {
        description: 'The stack',
        schema: StackView.extend({ manifest: z.record(z.string(), z.unknown()) }).meta({ id: 'StackWithManifest' }),
      },
    },
    problems: [404],
    handle: async ({ params }) => {
      const row = (await stacks.list()).find(({ id }) => id === params.stackId);
      if (!row) throw new NotFoundError({ what: 'stack', name: params.stackId });
      return { body: { ...stackView(row, await trust.keyStates()), manifest: row.manifest } };
    },
  });

  const removeStack = defineRoute({
    method: 'DELETE',
    url: '/stacks/:stackId',
    operationId: 'removeStack',
    tag: 'stacks',
    summary: 'Remove an installed version of a stack',
    description:
      'Refused while a service is to run from it or a host component still does. It can be installed again at any time.',
    permission: { action: 'change', resource: 'stack' },
    audit: 'stack.remove',
    params: z.strictObject({ stackId: z.string().max(100) }),
    answers: { 204: { description: 'It is removed' } },
    problems: [404, 409],
    handle: async ({ params }) => {
      await stacks.remove(params.stackId);
      return { status: 204 };
    },
  });

  return [listStacks, getStack, removeStack];
}

/** By name, then in the order of installing. */
function keyOf({ name, installedAt, version }: StackRow): string {
  return `${name} ${installedAt.toISOString()} ${version}`;
}
