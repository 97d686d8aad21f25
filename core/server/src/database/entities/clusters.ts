import type { Desired, Leaving, Observed } from '@stackyard/domain';
import type { ConfigValues, LaidAside } from '@stackyard/planner';
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

export const Cluster = defineEntity({
  name: 'Cluster',
  properties: {
    id: p.uuid().primary(),
    name: p.string().unique(),
    title: p.string().nullable(),
    /** Raised by every change of layout or configs: plans are bound to it, and it is the cluster's ETag. */
    revision: p.integer(),
    createdAt: p.datetime(),
  },
});

export const Service = defineEntity({
  name: 'Service',
  properties: {
    id: p.uuid().primary(),
    clusterId: p.uuid(),
    name: p.string(),
    stackName: p.string(),
    stackVersion: p.string(),
    stackDigest: p.string(),
    configVersion: p.integer(),
    generated: p.json<ConfigValues>(),
    /** Values of properties that this version does not have; they return with one that has them. */
    laidAside: p.json<LaidAside>().nullable(),
    nextOrdinals: p.json<Record<string, number>>(),
    createdAt: p.datetime(),
  },
  uniques: [{ properties: ['clusterId', 'name'] }],
});

/** An immutable saved set of values. Defaults are not stored. */
export const ConfigVersion = defineEntity({
  name: 'ConfigVersion',
  properties: {
    id: p.uuid().primary(),
    serviceId: p.uuid(),
    version: p.integer(),
    values: p.json<ConfigValues>(),
    /** By host id. */
    overrides: p.json<Record<string, ConfigValues>>(),
    /** The stack's version whose properties these are values of. */
    stackVersion: p.string().nullable(),
    note: p.string().nullable(),
    createdBy: p.string(),
    createdAt: p.datetime(),
  },
  uniques: [{ properties: ['serviceId', 'version'] }],
});

export const HostComponent = defineEntity({
  name: 'HostComponent',
  properties: {
    id: p.uuid().primary(),
    clusterId: p.uuid(),
    serviceId: p.uuid(),
    service: p.string(),
    component: p.string(),
    hostId: p.uuid().index(),
    ordinal: p.integer(),
    desired: p.string().$type<Desired>(),
    observed: p.string().$type<Observed>(),
    observedAt: p.datetime().nullable(),
    observedMessage: p.text().nullable(),
    role: p.string().nullable(),
    restarts: p.integer(),
    pid: p.integer().nullable(),
    /** Digest by path of the files last applied. */
    applied: p.json<Record<string, string>>().nullable(),
    appliedValues: p.json<ConfigValues>().nullable(),
    configVersion: p.integer().nullable(),
    once: p.json<string[]>(),
    /** Since it was decommissioned. */
    leaving: p.string().$type<Leaving>().nullable(),
    /** The artifact it runs from; another than the service's while an upgrade is under way. */
    stackDigest: p.string().nullable(),
    createdAt: p.datetime(),
  },
  uniques: [
    { properties: ['serviceId', 'component', 'hostId'] },
    { properties: ['serviceId', 'component', 'ordinal'] },
  ],
  indexes: [{ properties: ['clusterId'] }],
});

/** Text of a rendered file by its digest: the old side of a diff. */
export const RenderedText = defineEntity({
  name: 'RenderedText',
  properties: { digest: p.string().primary(), content: p.text(), createdAt: p.datetime() },
});

export type ClusterRow = InferEntity<typeof Cluster>;
export type ServiceRow = InferEntity<typeof Service>;
export type ConfigVersionRow = InferEntity<typeof ConfigVersion>;
export type HostComponentRow = InferEntity<typeof HostComponent>;
