import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

/**
 * The outbox: event ids grow in commit order, so a stream resumes exactly. Events that are committed one after the other
 * on the same cluster and topic share a row: most of a job's differ in their payloads only.
 */
export const EventRun = defineEntity({
  name: 'EventRun',
  properties: {
    /** Of the last of its events. */
    id: p.bigint('number').primary().autoincrement(false),
    /** Of the first; the others lie between. */
    firstId: p.bigint('number'),
    /** The newest event before this commit: the outbox grows at its end only. */
    afterId: p.bigint('number'),
    topic: p.string(),
    clusterId: p.uuid().nullable(),
    /** What all its payloads say alike, each field once; none where there is nothing. */
    common: p.json<object>().columnType('json').nullable(),
    /** In the order of their ids, each without what is in common. */
    payloads: p.json<readonly object[]>().columnType('json'),
    at: p.datetime(),
  },
  indexes: [{ properties: ['clusterId', 'id'] }],
  checks: [
    { expression: (columns) => `${columns.afterId} < ${columns.firstId} and ${columns.firstId} <= ${columns.id}` },
  ],
});

export type EventRunRow = InferEntity<typeof EventRun>;
