import { defineRoute, type Route } from '@stackyard/contract';
import { PackageName } from '@stackyard/sdk/artifact';
import { z } from 'zod';
import { deprecationOf, versionsOf } from '../../registries/index.ts';
import { RegistryName } from './deliveries.ts';
import type { RouteParts } from './parts.ts';

const RegistryView = z
  .object({
    name: z.string(),
    url: z.string(),
    scopes: z.array(z.string()).describe('Packages of these scopes come from here and from nowhere else'),
    hasToken: z.boolean(),
  })
  .meta({ id: 'Registry' });

const FoundStackView = z
  .object({
    name: z.string(),
    version: z.string().describe('The newest'),
    description: z.string(),
    installed: z.array(z.string()).describe('Versions that this server has'),
  })
  .meta({ id: 'FoundStack' });

const StackVersionsView = z
  .object({
    name: z.string(),
    registry: z.string(),
    versions: z
      .array(
        z.object({
          version: z.string(),
          tags: z.array(z.string()),
          deprecated: z.string().nullable(),
          installed: z.boolean(),
        }),
      )
      .describe('Newest first'),
  })
  .meta({ id: 'StackVersions' });

const OutdatedView = z
  .object({
    items: z.array(
      z.object({
        name: z.string(),
        installed: z.array(z.string()).describe('Newest first'),
        newest: z.string().nullable().describe('In the registry; null when it could not be asked'),
        registry: z.string().nullable(),
        outdated: z.boolean(),
        deprecated: z.array(z.object({ version: z.string(), message: z.string() })).describe('Of those installed'),
        problem: z.string().nullable().describe('Why the registry could not be asked'),
      }),
    ),
  })
  .meta({ id: 'OutdatedStacks' });

/** What npm registries offer. */
export function registryRoutes({ registries, stacks, freshness }: RouteParts): Route[] {
  const installedOf = async (name: string): Promise<string[]> =>
    (await stacks.list()).filter((row) => row.name === name).map(({ version }) => version);

  const listRegistries = defineRoute({
    method: 'GET',
    url: '/registries',
    operationId: 'listRegistries',
    tag: 'stacks',
    summary: 'List the registries',
    description: 'The npm registries that the settings of the server name, in their order. Tokens are not shown.',
    permission: { action: 'read', resource: 'stack' },
    audit: 'none',
    answers: {
      200: {
        description: 'The registries',
        schema: z.object({ items: z.array(RegistryView) }).meta({ id: 'Registries' }),
      },
    },
    handle: async () => ({
      body: {
        items: registries.list().map(({ name, url, scopes, token, tokenFile }) => ({
          name,
          url,
          scopes: [...scopes],
          hasToken: token !== undefined || tokenFile !== undefined,
        })),
      },
    }),
  });

  const searchStacks = defineRoute({
    method: 'GET',
    url: '/registries/:registry/stacks',
    operationId: 'searchStacks',
    tag: 'stacks',
    summary: 'Search a registry for stacks',
    description: 'Packages with the keyword stackyard-stack, by words of their names and descriptions.',
    permission: { action: 'read', resource: 'stack' },
    audit: 'none',
    params: z.strictObject({ registry: RegistryName }),
    query: z.strictObject({ query: z.string().max(200).optional() }),
    answers: {
      200: {
        description: 'What it has',
        schema: z.object({ items: z.array(FoundStackView) }).meta({ id: 'FoundStacks' }),
      },
    },
    problems: [404, 502],
    handle: async ({ params, query, signal }) => {
      const found = await registries.search(params.registry, query.query?.trim() ?? '', signal);
      const items = await Promise.all(
        found.map(async (each) => ({ ...each, installed: await installedOf(each.name) })),
      );
      return { body: { items } };
    },
  });

  const listStackVersions = defineRoute({
    method: 'GET',
    url: '/stack-versions',
    operationId: 'listStackVersions',
    tag: 'stacks',
    summary: 'List the versions that a registry has of a stack',
    description: 'Newest first, with their tags, and the message of those that are deprecated.',
    permission: { action: 'read', resource: 'stack' },
    audit: 'none',
    query: z.strictObject({
      stack: PackageName,
      registry: RegistryName.optional().describe('The one that serves its scope unless given'),
    }),
    answers: { 200: { description: 'The versions', schema: StackVersionsView } },
    problems: [404, 409, 502],
    handle: async ({ query, signal }) => {
      const { registry, packument } = await registries.packument(query.stack, { registry: query.registry, signal });
      const installed = await installedOf(query.stack);
      const tags = Object.entries(packument['dist-tags']);
      const versions = versionsOf(packument).map((each) => ({
        version: each.version,
        tags: tags.filter(([, version]) => version === each.version).map(([tag]) => tag),
        deprecated: deprecationOf(each) ?? null,
        installed: installed.includes(each.version),
      }));
      return { body: { name: packument.name, registry: registry.name, versions } };
    },
  });

  const checkStacks = defineRoute({
    method: 'POST',
    url: '/stacks/outdated',
    operationId: 'listOutdatedStacks',
    tag: 'stacks',
    summary: 'Compare the installed stacks with their registries',
    description:
      'Asks the registry of every installed stack for its newest version, and takes down which of the installed ones are deprecated by now, so that plans warn of them.',
    permission: { action: 'create', resource: 'stack' },
    audit: 'stack.outdated',
    answers: { 200: { description: 'Every installed stack', schema: OutdatedView } },
    handle: async ({ signal }) => ({ body: { items: await freshness(signal) } }),
  });

  return [listRegistries, searchStacks, listStackVersions, checkStacks];
}
