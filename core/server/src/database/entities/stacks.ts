import type { StackManifest } from '@stackyard/sdk/manifest';
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

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
    installedAt: p.datetime(),
  },
  uniques: [{ properties: ['name', 'version'] }],
});

export type StackRow = InferEntity<typeof Stack>;
