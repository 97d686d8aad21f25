import { defineEntity, p } from '@mikro-orm/core';

export const IdempotencyKey = defineEntity({
  name: 'IdempotencyKey',
  properties: {
    principal: p.string().primary(),
    key: p.string().primary(),
    requestHash: p.string(),
    status: p.integer().nullable(),
    headers: p.json<Record<string, string>>().nullable(),
    body: p.json<unknown>().nullable(),
    createdAt: p.datetime().index(),
  },
});

export const ApiToken = defineEntity({
  name: 'ApiToken',
  properties: { id: p.uuid().primary(), name: p.string(), hash: p.string().unique().hidden(), createdAt: p.datetime() },
});

export const AuditEntry = defineEntity({
  name: 'AuditEntry',
  properties: {
    id: p.uuid().primary(),
    at: p.datetime().index(),
    principal: p.string(),
    action: p.string(),
    resource: p.string(),
    clusterId: p.uuid().nullable(),
    requestId: p.string(),
    status: p.integer(),
  },
});
