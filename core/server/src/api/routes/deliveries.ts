import { defineRoute, type Route, type RouteRequest } from '@stackyard/contract';
import { ArtifactDigest, PackageName } from '@stackyard/sdk/artifact';
import type { StackManifest } from '@stackyard/sdk/manifest';
import semver from 'semver';
import { z } from 'zod';
import { MAX_TARBALL } from '../../registries/index.ts';
import { stackChanges } from '../../stacks/changes.ts';
import type { Delivered } from '../../stacks/deliveries.ts';
import type { RouteParts } from './parts.ts';

/** A version, a range or a tag. */
export const Wanted = z.string().min(1).max(200);
export const RegistryName = z.string().max(100);

const Flag = z.enum(['true', 'false']).optional();
const allowed = {
  downgrade: 'Also a version that is older than the newest installed one',
  unsigned: 'Also without a signature, although the package was signed before',
  replace: 'Also in place of other contents of this version, which were not signed and which no service runs from',
} as const;

const ChangeView = z.object({
  change: z.enum(['added', 'removed', 'changed']),
  what: z.enum(['service', 'component', 'property']),
  name: z.string(),
  from: z.string().nullable(),
  to: z.string().nullable(),
});

export const DeliveryView = z
  .object({
    name: z.string().nullable().describe('Null when it was refused before it was read, and nobody says what it is'),
    version: z.string().nullable(),
    title: z.string().nullable().describe('Null when it was refused before it was read'),
    digest: z.string().describe('Send it to install exactly this'),
    state: z.enum(['new', 'installed', 'replaces']).describe('Of this version on this server, before'),
    registry: z.string().nullable(),
    publisher: z.string().nullable().describe('Whose trusted signature it has'),
    basis: z.string().nullable().describe('Why it is let in'),
    refusal: z.object({ code: z.string(), message: z.string() }).nullable().describe('Why it is not let in'),
    deprecated: z.string().nullable().describe("Its author's message, when it is deprecated"),
    services: z.array(z.object({ name: z.string(), title: z.string(), version: z.string() })),
    newest: z.string().nullable().describe('The newest version of it that is installed'),
    changes: z.array(ChangeView).describe('Against the newest version that is installed'),
  })
  .meta({ id: 'StackDelivery' });

/** A delivery in the words of the API. */
export function deliveryView(delivered: Delivered): z.infer<typeof DeliveryView> {
  const { name, version, digest, state, manifest, basis, publisher, refusal, registry, deprecated, before } = delivered;
  const [newest] = before.toSorted((a, b) => semver.rcompare(a.version, b.version));
  return {
    name: name ?? null,
    version: version ?? null,
    title: manifest?.title ?? null,
    digest,
    state,
    registry: registry ?? null,
    publisher: publisher ?? null,
    basis: basis ?? null,
    refusal: refusal ? { code: refusal.code, message: refusal.message } : null,
    deprecated: deprecated ?? null,
    services: servicesOf(manifest),
    newest: newest?.version ?? null,
    changes:
      newest && manifest
        ? stackChanges(newest.manifest, manifest).map((each) => ({
            ...each,
            from: each.from ?? null,
            to: each.to ?? null,
          }))
        : [],
  };
}

function servicesOf(manifest: StackManifest | undefined) {
  return (manifest?.services ?? []).map(({ name, title, version }) => ({ name, title, version }));
}

const problems = [404, 409, 413, 422, 502, 507];

/** Installing stacks, and looking at them before. */
export function deliveryRoutes({ deliveries }: RouteParts): Route[] {
  const answer = async (delivered: Delivered, preview: boolean) => ({
    status: preview || delivered.state === 'installed' ? 200 : 201,
    body: deliveryView(delivered),
  });

  const Upload = z.strictObject({
    origin: z.enum(['tarball', 'folder']).optional().describe('What the sender had before them; tarball unless given'),
    source: z.string().max(500).optional().describe('What the sender calls it, such as the name of the file'),
    digest: ArtifactDigest.optional().describe('Refuse it unless the artifact is this one'),
    downgrade: Flag.describe(allowed.downgrade),
    unsigned: Flag.describe(allowed.unsigned),
    replace: Flag.describe(allowed.replace),
  });
  const uploaded = async (
    { content, query, principal, signal }: RouteRequest<unknown, z.output<typeof Upload>>,
    preview: boolean,
  ) => {
    const { origin = 'tarball', source, digest } = query;
    const allow = {
      downgrade: query.downgrade === 'true',
      unsigned: query.unsigned === 'true',
      replace: query.replace === 'true',
    };
    const wish = { by: principal.name, allow, digest, preview, signal };
    return answer(await deliveries.fromUpload(content, { origin, source }, wish), preview);
  };
  const upload = { media: 'application/octet-stream', maxBytes: MAX_TARBALL };

  const uploadStack = defineRoute({
    method: 'POST',
    url: '/stacks',
    operationId: 'uploadStack',
    tag: 'stacks',
    summary: 'Install a stack that is sent',
    description:
      'The body is an npm package that holds dist/stack/*.tgz, or such an artifact itself. Signatures beside the artifact are judged before a byte of it is read. It can be used at once.',
    permission: { action: 'create', resource: 'stack' },
    audit: 'stack.install',
    query: Upload,
    upload,
    answers: {
      201: { description: 'It is installed', schema: DeliveryView },
      200: { description: 'It was installed already', schema: DeliveryView },
    },
    problems,
    handle: (request) => uploaded(request, false),
  });

  const previewUpload = defineRoute({
    method: 'POST',
    url: '/stacks/preview',
    operationId: 'previewUploadedStack',
    tag: 'stacks',
    summary: 'Look at a stack that is sent',
    description: 'As installing it, but nothing is kept: what it is, whether it would be let in, and what it changes.',
    permission: { action: 'create', resource: 'stack' },
    audit: 'stack.preview',
    query: Upload,
    upload,
    answers: { 200: { description: 'What it is', schema: DeliveryView } },
    problems,
    handle: (request) => uploaded(request, true),
  });

  const Install = z.strictObject({
    stack: PackageName,
    version: Wanted.optional().describe('A version, a range or a tag; latest unless given'),
    registry: RegistryName.optional().describe('The one that serves its scope unless given'),
    digest: ArtifactDigest.optional().describe('Refuse it unless the artifact is this one'),
    downgrade: z.boolean().optional().describe(allowed.downgrade),
    unsigned: z.boolean().optional().describe(allowed.unsigned),
    replace: z.boolean().optional().describe(allowed.replace),
  });
  const fetched = async (
    { body, principal, signal }: RouteRequest<unknown, unknown, z.output<typeof Install>>,
    preview: boolean,
  ) => {
    const { stack, version: wanted = 'latest', registry, digest, ...allow } = body;
    const wish = { by: principal.name, allow, digest, preview, signal };
    return answer(await deliveries.fromRegistry({ stack, wanted, registry }, wish), preview);
  };

  const installStack = defineRoute({
    method: 'POST',
    url: '/stacks/install',
    operationId: 'installStack',
    tag: 'stacks',
    summary: 'Install a stack from a registry',
    description:
      'The server fetches the npm package, compares it with the sha512 that the registry states, and takes the artifact and its signatures out of it; no script of it runs and nothing it depends on is installed. It is done when this is answered, and can be used at once.',
    permission: { action: 'create', resource: 'stack' },
    audit: 'stack.install',
    idempotent: true,
    body: Install,
    answers: {
      201: { description: 'It is installed', schema: DeliveryView },
      200: { description: 'It was installed already', schema: DeliveryView },
    },
    problems,
    handle: (request) => fetched(request, false),
  });

  const previewStack = defineRoute({
    method: 'POST',
    url: '/stacks/install/preview',
    operationId: 'previewStack',
    tag: 'stacks',
    summary: 'Look at a stack of a registry',
    description: 'As installing it, but nothing is kept: what it is, whether it would be let in, and what it changes.',
    permission: { action: 'create', resource: 'stack' },
    audit: 'stack.preview',
    body: Install,
    answers: { 200: { description: 'What it is', schema: DeliveryView } },
    problems,
    handle: (request) => fetched(request, true),
  });

  return [uploadStack, previewUpload, installStack, previewStack];
}
