import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

/** The outbox: event ids grow in commit order, so a stream resumes exactly. */
export const Event = defineEntity({
  name: 'Event',
  properties: {
    id: p.bigint('number').primary(),
    topic: p.string(),
    clusterId: p.uuid().nullable(),
    payload: p.json<object>(),
    at: p.datetime(),
  },
  indexes: [{ properties: ['clusterId', 'id'] }],
});

export type EventRow = InferEntity<typeof Event>;
