import { defineRoute, type Route } from '@stackyard/contract';
import {
  ArtifactDigest,
  KEY_STATES,
  KeyId,
  PackageName,
  PackageVersion,
  PublisherName,
  ScopePattern,
} from '@stackyard/sdk/artifact';
import { z } from 'zod';
import type { AllowanceRow } from '../../database/entities.ts';
import type { KnownPublisher } from '../../trust/trust.ts';
import type { RouteParts } from './parts.ts';

const POLICIES = ['signed', 'allow-listed', 'any'] as const;
const at = z.string().describe('RFC 3339, UTC');

const PublisherView = z
  .object({
    name: z.string(),
    scopes: z.array(z.string()).describe('Packages it is trusted for; `*` at the end stands for any rest'),
    addedBy: z.string(),
    addedAt: at,
    keys: z.array(
      z.object({
        keyId: z.string(),
        publicKey: z.string().describe('ed25519, 32 bytes, base64'),
        state: z
          .enum(KEY_STATES)
          .describe('active: signs. retired: what it has signed stays valid. revoked: nothing it has signed is taken'),
        addedBy: z.string(),
        addedAt: at,
        changedAt: at.nullable(),
      }),
    ),
  })
  .meta({ id: 'Publisher' });

const AllowanceView = z
  .object({
    id: z.uuid(),
    digest: z.string().nullable(),
    package: z.string().nullable(),
    version: z.string().nullable(),
    note: z.string(),
    addedBy: z.string(),
    addedAt: at,
  })
  .meta({ id: 'Allowance' });

const TrustView = z
  .object({
    policy: z
      .enum(POLICIES)
      .describe(
        'signed: by a trusted publisher. allow-listed: signed, or on the list. any: from anybody, for development. What the configuration of the server names is let in under each',
      ),
    allowances: z.array(AllowanceView),
  })
  .meta({ id: 'Trust' });

const read = { action: 'read', resource: 'trust' } as const;
const change = { action: 'change', resource: 'trust' } as const;
const scopes = z.array(ScopePattern).max(100);
const note = z.string().max(200);

export function trustRoutes({ trust }: RouteParts): Route[] {
  const trustNow = async () => ({
    policy: await trust.policy(),
    allowances: (await trust.allowances()).map(allowanceView),
  });

  const getTrust = defineRoute({
    method: 'GET',
    url: '/trust',
    operationId: 'getTrust',
    tag: 'trust',
    summary: 'Read which stacks are let in',
    description: 'The policy, and what is let in by name.',
    permission: read,
    audit: 'none',
    answers: { 200: { description: 'The policy', schema: TrustView } },
    handle: async () => ({ body: await trustNow() }),
  });

  const setPolicy = defineRoute({
    method: 'PUT',
    url: '/trust/policy/:policy',
    operationId: 'setTrustPolicy',
    tag: 'trust',
    summary: 'Say which stacks are let in',
    description: 'Holds from the next installation on; what is installed stays.',
    permission: change,
    audit: 'trust.setPolicy',
    params: z.strictObject({ policy: z.enum(POLICIES) }),
    answers: { 200: { description: 'The policy then', schema: TrustView } },
    handle: async ({ params, principal }) => {
      await trust.setPolicy(params.policy, principal.name);
      return { body: await trustNow() };
    },
  });

  const allow = defineRoute({
    method: 'POST',
    url: '/trust/allowances',
    operationId: 'allowStack',
    tag: 'trust',
    summary: 'Let one stack in',
    description: 'By its digest, or by name and version, under the policy allow-listed.',
    permission: change,
    audit: 'trust.allow',
    body: z.union([
      z.strictObject({ digest: ArtifactDigest, note: note.optional() }),
      z.strictObject({ package: PackageName, version: PackageVersion, note: note.optional() }),
    ]),
    answers: { 201: { description: 'What is let in', schema: AllowanceView } },
    handle: async ({ body: { note: why = '', ...what }, principal }) => ({
      status: 201,
      body: allowanceView(await trust.allow(what, why, principal.name)),
    }),
  });

  const disallow = defineRoute({
    method: 'DELETE',
    url: '/trust/allowances/:allowance',
    operationId: 'disallowStack',
    tag: 'trust',
    summary: 'Let a stack in no longer',
    description: 'What is installed stays.',
    permission: change,
    audit: 'trust.disallow',
    params: z.strictObject({ allowance: z.uuid() }),
    answers: { 204: { description: 'It is taken back' } },
    problems: [404],
    handle: async ({ params, principal }) => {
      await trust.disallow(params.allowance, principal.name);
      return { status: 204 };
    },
  });

  const listPublishers = defineRoute({
    method: 'GET',
    url: '/publishers',
    operationId: 'listPublishers',
    tag: 'trust',
    summary: 'List the publishers that are trusted',
    description: 'With their keys and what they are trusted for, by name.',
    permission: read,
    audit: 'none',
    answers: { 200: { description: 'The publishers', schema: z.object({ items: z.array(PublisherView) }) } },
    handle: async () => ({ body: { items: (await trust.publishers()).map(publisherView) } }),
  });

  const addPublisher = defineRoute({
    method: 'POST',
    url: '/publishers',
    operationId: 'addPublisherKey',
    tag: 'trust',
    summary: 'Trust a key of a publisher',
    description:
      'The line that "stackyard publisher keygen" printed. A publisher that is not known yet needs scopes; one that is known keeps its own.',
    permission: change,
    audit: 'publisher.addKey',
    body: z.strictObject({ publicKey: z.string().max(300), scopes: scopes.min(1).optional() }),
    answers: { 201: { description: 'The publisher', schema: PublisherView } },
    problems: [409, 422],
    handle: async ({ body, principal }) => ({
      status: 201,
      body: publisherView(await trust.addKey(body.publicKey, body.scopes, principal.name)),
    }),
  });

  const setScopes = defineRoute({
    method: 'PUT',
    url: '/publishers/:publisher/scopes',
    operationId: 'setPublisherScopes',
    tag: 'trust',
    summary: 'Say for which packages a publisher is trusted',
    description: 'None at all leaves it nothing. What is installed stays.',
    permission: change,
    audit: 'publisher.setScopes',
    params: z.strictObject({ publisher: PublisherName }),
    body: z.strictObject({ scopes }),
    answers: { 200: { description: 'The publisher', schema: PublisherView } },
    problems: [404],
    handle: async ({ params, body, principal }) => ({
      body: publisherView(await trust.setScopes(params.publisher, body.scopes, principal.name)),
    }),
  });

  const keyStep = (step: 'retire' | 'revoke', state: 'retired' | 'revoked', description: string) =>
    defineRoute({
      method: 'POST',
      url: `/publishers/keys/:keyId/${step}`,
      operationId: `${step}PublisherKey`,
      tag: 'trust',
      summary: `${step === 'retire' ? 'Retire' : 'Revoke'} a key of a publisher`,
      description,
      permission: change,
      audit: `publisher.${step}Key`,
      params: z.strictObject({ keyId: KeyId }),
      answers: { 200: { description: 'The publisher', schema: PublisherView } },
      problems: [404, 409],
      handle: async ({ params, principal }) => ({
        body: publisherView(await trust.setKeyState(params.keyId, state, principal.name)),
      }),
    });

  return [
    getTrust,
    setPolicy,
    allow,
    disallow,
    listPublishers,
    addPublisher,
    setScopes,
    keyStep('retire', 'retired', 'It signs no more; what it has signed stays valid. There is no way back.'),
    keyStep(
      'revoke',
      'revoked',
      'Nothing that it has signed is let in any more, and what is installed is shown as signed by a revoked key. There is no way back.',
    ),
  ];
}

function publisherView({ name, scopes: trustedFor, addedBy, addedAt, keys }: KnownPublisher) {
  return {
    name,
    scopes: [...trustedFor],
    addedBy,
    addedAt: addedAt.toISOString(),
    keys: keys.map((key) => ({
      keyId: key.keyId,
      publicKey: key.publicKey,
      state: key.state,
      addedBy: key.addedBy,
      addedAt: key.addedAt.toISOString(),
      changedAt: key.changedAt?.toISOString() ?? null,
    })),
  };
}

function allowanceView(row: AllowanceRow) {
  const { id, digest = null, package: packageName = null, version = null, note: why, addedBy, addedAt } = row;
  return { id, digest, package: packageName, version, note: why, addedBy, addedAt: addedAt.toISOString() };
}
