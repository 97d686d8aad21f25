import type { KeyState } from '@stackyard/sdk/artifact';
import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

/** Which artifacts are let in, besides those that the server's own configuration names. */
export type Policy = 'signed' | 'allow-listed' | 'any';

/** One row; the usual policy while there is none. */
export const TrustPolicy = defineEntity({
  name: 'TrustPolicy',
  properties: {
    id: p.integer().primary(),
    policy: p.string().$type<Policy>(),
    changedBy: p.string(),
    changedAt: p.datetime(),
  },
});

/** Somebody whose signatures are trusted, for packages of these names. */
export const Publisher = defineEntity({
  name: 'Publisher',
  properties: {
    name: p.string().primary(),
    scopes: p.json<readonly string[]>(),
    addedBy: p.string(),
    addedAt: p.datetime(),
  },
});
export type PublisherRow = InferEntity<typeof Publisher>;

export const PublisherKey = defineEntity({
  name: 'PublisherKey',
  properties: {
    keyId: p.string().primary(),
    publisher: p.string().index(),
    publicKey: p.string(),
    state: p.string().$type<KeyState>(),
    addedBy: p.string(),
    addedAt: p.datetime(),
    changedAt: p.datetime().nullable(),
  },
});
export type PublisherKeyRow = InferEntity<typeof PublisherKey>;

/** An artifact that an administrator lets in by its digest, or by its name and version. */
export const Allowance = defineEntity({
  name: 'Allowance',
  properties: {
    id: p.uuid().primary(),
    digest: p.string().nullable(),
    package: p.string().nullable(),
    version: p.string().nullable(),
    note: p.string(),
    addedBy: p.string(),
    addedAt: p.datetime(),
  },
});
export type AllowanceRow = InferEntity<typeof Allowance>;

/** What a version is, for ever: kept when the version is removed. */
export const StackPin = defineEntity({
  name: 'StackPin',
  properties: {
    name: p.string().primary(),
    version: p.string().primary(),
    digest: p.string(),
    /** Who had signed it; null for a development version, whose contents may be replaced when somebody says so. */
    publisher: p.string().nullable(),
    pinnedAt: p.datetime(),
  },
});
export type StackPinRow = InferEntity<typeof StackPin>;
