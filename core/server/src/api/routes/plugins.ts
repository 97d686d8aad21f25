import { defineRoute, type Route } from '@stackyard/contract';
import { z } from 'zod';
import type { RouteParts } from './parts.ts';

const PluginView = z
  .object({
    id: z.string(),
    package: z.string().nullable().describe('Null for a plugin that was given to the server as it is'),
    version: z.string().nullable(),
    folder: z.string().nullable().describe('Where it was loaded from'),
    needs: z.array(z.string()).describe('Tokens of others that it uses'),
    provides: z.array(z.string()).describe('Tokens that it answers for'),
    contributes: z.array(z.string()).describe('Extension points that it adds to'),
    operations: z.array(z.string()).describe('Its operations of this API'),
  })
  .meta({ id: 'Plugin' });

export function pluginRoutes({ plugins }: RouteParts): Route[] {
  return [
    defineRoute({
      method: 'GET',
      url: '/plugins',
      operationId: 'listPlugins',
      tag: 'server',
      summary: 'List the platform plugins of this server',
      description: 'What is loaded beside the own parts of the server, and what each adds.',
      permission: { action: 'read', resource: 'server' },
      audit: 'none',
      answers: {
        200: {
          description: 'The plugins',
          schema: z.object({ items: z.array(PluginView) }).meta({ id: 'PluginList' }),
        },
      },
      handle: async () => ({ body: { items: plugins() } }),
    }),
  ];
}
