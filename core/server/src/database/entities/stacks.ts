import type { SignatureDocument } from '@stackyard/sdk/artifact';
import type { StackManifest } from '@stackyard/sdk/manifest';
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

/** Where a stack came from. `configuration`: the server's own, so whoever runs the server has chosen it. */
export const ORIGINS = ['configuration', 'registry', 'tarball', 'folder', 'bundle'] as const;
export type OriginKind = (typeof ORIGINS)[number];

/** Why it was let in. */
export const BASES = ['signature', 'allow-list', 'configuration', 'any'] as const;
export type Basis = (typeof BASES)[number];

/** An installed stack version; the artifact itself lies in the artifact store under its digest. */
export const Stack = defineEntity({
  name: 'Stack',
  properties: {
    id: p.uuid().primary(),
    name: p.string(),
    version: p.string(),
    digest: p.string(),
    size: p.bigint('number'),
    manifest: p.json<StackManifest>(),
    origin: p.string().$type<OriginKind>().default('configuration'),
    /** The origin's own words, such as the URL of a registry. */
    source: p.text().nullable(),
    /** What its author says instead of recommending it, as far as is known here. */
    deprecated: p.text().nullable(),
    basis: p.string().$type<Basis>().default('configuration'),
    publisher: p.string().nullable(),
    keyId: p.string().nullable(),
    signatures: p.json<readonly SignatureDocument[]>().nullable(),
    installedBy: p.string().default('system'),
    installedAt: p.datetime(),
  },
  uniques: [{ properties: ['name', 'version'] }],
});

export type StackRow = InferEntity<typeof Stack>;
