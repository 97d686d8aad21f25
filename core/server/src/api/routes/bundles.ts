import { Readable } from 'node:stream';
import { ARCHITECTURES, defineRoute, type Route } from '@stackyard/contract';
import { PackageName } from '@stackyard/sdk/artifact';
import semver from 'semver';
import { z } from 'zod';
import { BundleUnavailableError } from '../../agents/errors.ts';
import { collectBundle } from '../../bundles/collect.ts';
import type { BundlePreview } from '../../bundles/imports.ts';
import { tarOf, tarSize } from '../../bundles/tarFile.ts';
import type { StackRow } from '../../database/entities.ts';
import { StackNotFoundError } from '../../stacks/errors.ts';
import { DeliveryView, deliveryView } from './deliveries.ts';
import type { RouteParts } from './parts.ts';

const MEDIA = 'application/x-tar';
const MAX_BUNDLE = 64 * 2 ** 30;

const BundleView = z
  .object({
    id: z.string(),
    stacks: z.array(DeliveryView),
    packages: z.array(
      z.object({
        name: z.string(),
        version: z.string(),
        architectures: z.array(z.enum(ARCHITECTURES)),
        size: z.int().describe('Bytes'),
        present: z.boolean().describe('This server has it already'),
      }),
    ),
    agents: z.array(
      z.object({
        version: z.string(),
        architecture: z.enum(ARCHITECTURES),
        size: z.int().describe('Bytes'),
        present: z.boolean().describe('This server has it already'),
        fault: z.string().nullable().describe('Why it is left out'),
      }),
    ),
  })
  .meta({ id: 'BundleImport' });

function bundleView(preview: BundlePreview): z.infer<typeof BundleView> {
  return {
    id: preview.id,
    stacks: preview.stacks.map((each) => deliveryView(each)),
    packages: preview.packages.map(({ part: { name, version, of, size }, present }) => ({
      name,
      version,
      architectures: [...new Set(of.map(({ architecture }) => architecture))],
      size,
      present,
    })),
    agents: preview.agents.map(({ part: { version, architecture, size }, present, fault }) => ({
      version,
      architecture,
      size,
      present,
      fault: fault ?? null,
    })),
  };
}

/** Carrying stacks and what they need to servers without a network. */
export function bundleRoutes({ stacks, packages, agentBundles, bundleImports, sources }: RouteParts): Route[] {
  const createBundle = defineRoute({
    method: 'POST',
    url: '/bundles',
    operationId: 'createBundle',
    tag: 'bundles',
    summary: 'Make a bundle',
    description:
      'One file with stacks, their signatures and what hosts need for them, for servers without a network. What this server does not have yet is fetched first, which may take minutes; then the file comes. The same contents give the same bytes.',
    permission: { action: 'read', resource: 'package' },
    audit: 'bundle.create',
    body: z.strictObject({
      stacks: z
        .array(z.strictObject({ name: PackageName, version: z.string().max(100).optional() }))
        .min(1)
        .max(100)
        .describe('The newest installed version unless one is given'),
      packages: z.boolean().describe('Also the archives of the products'),
      java: z.boolean().optional().describe('Also the Java that hosts get whose own does not suit the stacks'),
      agents: z.boolean().optional().describe('Also the agent for hosts'),
      architectures: z.array(z.enum(ARCHITECTURES)).min(1).max(2),
    }),
    answers: { 200: { description: 'The bundle', media: MEDIA } },
    problems: [404, 422],
    refusals: [{ error: BundleUnavailableError, status: 503 }],
    handle: async ({ body, signal }) => {
      const rows = await stacks.list();
      const chosen = body.stacks.map(({ name, version }) => installedStack(rows, name, version));
      const files = await collectBundle(
        {
          stacks: [...new Set(chosen)],
          packages: body.packages,
          java: body.java ? sources.javaRuntime : undefined,
          agents: body.agents ?? false,
          architectures: [...new Set(body.architectures)].toSorted(),
        },
        { stacks, packages: packages(), agents: agentBundles },
        signal,
      );
      return {
        headers: {
          'content-type': MEDIA,
          'content-length': String(tarSize(files)),
          'content-disposition': 'attachment; filename="stackyard-bundle.tar"',
        },
        bytes: Readable.from(tarOf(files), { objectMode: false }),
      };
    },
  });

  const uploadBundle = defineRoute({
    method: 'POST',
    url: '/bundle-imports',
    operationId: 'uploadBundle',
    tag: 'bundles',
    summary: 'Send a bundle',
    description:
      'Every part of it is verified while it comes. Nothing of it is used before the import is executed; it waits until then, or until the server stops.',
    permission: { action: 'create', resource: 'stack' },
    audit: 'bundle.upload',
    upload: { media: MEDIA, maxBytes: MAX_BUNDLE },
    answers: { 201: { description: 'What is in it, and what importing it changes', schema: BundleView } },
    problems: [409, 422, 507],
    handle: async ({ content, principal }) => {
      const preview = await bundleImports.receive(content, principal.name);
      return { status: 201, body: bundleView(preview) };
    },
  });

  const Import = z.strictObject({ bundle: z.uuid() });
  const importBundle = defineRoute({
    method: 'POST',
    url: '/bundle-imports/:bundle/execute',
    operationId: 'importBundle',
    tag: 'bundles',
    summary: 'Import a bundle',
    description: 'All of its stacks at once or none. What the server has already stays as it is.',
    permission: { action: 'create', resource: 'stack' },
    audit: 'bundle.import',
    idempotent: true,
    params: Import,
    body: z.strictObject({
      downgrade: z.boolean().optional(),
      unsigned: z.boolean().optional(),
      replace: z.boolean().optional(),
    }),
    answers: { 200: { description: 'What was in it, as it was before', schema: BundleView } },
    problems: [404, 409, 422],
    handle: async ({ params, body, principal }) => {
      const preview = await bundleImports.execute(params.bundle, { by: principal.name, allow: body });
      return { body: bundleView(preview) };
    },
  });

  const discardBundle = defineRoute({
    method: 'DELETE',
    url: '/bundle-imports/:bundle',
    operationId: 'discardBundle',
    tag: 'bundles',
    summary: 'Give up a bundle that waits',
    description: 'Removes it from the disk of the server.',
    permission: { action: 'create', resource: 'stack' },
    audit: 'bundle.discard',
    params: Import,
    answers: { 204: { description: 'It is gone' } },
    problems: [404],
    handle: async ({ params }) => {
      await bundleImports.discard(params.bundle);
      return { status: 204 };
    },
  });

  return [createBundle, uploadBundle, importBundle, discardBundle];
}

/** @throws StackNotFoundError */
function installedStack(rows: readonly StackRow[], name: string, version: string | undefined): StackRow {
  const found = rows
    .filter((row) => row.name === name && (version === undefined || row.version === version))
    .toSorted((a, b) => semver.rcompare(a.version, b.version))[0];
  if (!found) throw new StackNotFoundError({ stack: version === undefined ? name : `${name}@${version}` });
  return found;
}
