import { defineRoute, EVENT_TOPICS, type Route, type StreamMessage } from '@stackyard/contract';
import { z } from 'zod';
import { clusterIdOf } from '../../clusters/lookup.ts';
import { ValidationFailedError } from '../errors.ts';
import { EventFollower } from '../eventFollower.ts';
import type { EventFilter } from '../eventReader.ts';
import type { RouteParts } from './parts.ts';

export function eventRoutes({ em, sql, events }: RouteParts): Route[] {
  const follower = new EventFollower(
    () => sql,
    () => events,
  );
  const streamEvents = defineRoute({
    method: 'GET',
    url: '/events',
    operationId: 'streamEvents',
    tag: 'events',
    summary: 'Follow what happens',
    description:
      'Server-sent events from now on, or exactly after Last-Event-ID (or `after`). Ids grow in the order of commits, so nothing is skipped. `event` is the topic. The first message, `ready`, says `gap: true` when events after that id are no longer kept: then read anew what you show.',
    permission: { action: 'read', resource: 'event' },
    audit: 'none',
    clusterOf: async ({ query }) => (query.cluster === undefined ? undefined : await clusterIdOf(em(), query.cluster)),
    query: z.strictObject({
      topics: z
        .string()
        .regex(
          new RegExp(`^(${EVENT_TOPICS.join('|')})(,(${EVENT_TOPICS.join('|')}))*$`),
          `use ${EVENT_TOPICS.join(', ')}, comma-separated`,
        )
        .transform((text) => text.split(','))
        .optional(),
      cluster: z.string().max(100).optional().describe('Id or name'),
      after: z
        .string()
        .regex(/^[0-9]{1,18}$/, 'use an id that this stream gave')
        .transform(Number)
        .optional(),
    }),
    answers: { 200: { description: 'The events', stream: true } },
    problems: [404, 406],
    handle: async ({ query, headers, signal }) => {
      const clusterId = query.cluster === undefined ? undefined : await clusterIdOf(em(), query.cluster);
      const start = lastEventId(headers['last-event-id']) ?? query.after ?? (await follower.newest());
      const gap = await follower.isGone(start);
      return { messages: stream({ topics: query.topics, clusterId }, { start, gap }, signal) };
    },
  });

  async function* stream(
    filter: EventFilter,
    { start, gap }: { readonly start: number; readonly gap: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<StreamMessage> {
    // The first message says where the stream stands, so that a client that loses it at once can resume too.
    yield { id: String(start), event: 'ready', data: gap ? { after: start, gap } : { after: start } };
    for await (const { id, topic, clusterId, payload, at } of follower.follow(filter, start, signal)) {
      yield {
        id: String(id),
        event: topic,
        data: { ...payload, clusterId: clusterId ?? null, at: at.toISOString() },
      };
    }
  }

  return [streamEvents];
}

function lastEventId(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !/^[0-9]{1,18}$/.test(header)) {
    throw new ValidationFailedError({
      errors: [{ pointer: 'Last-Event-ID', code: 'format', message: 'use an id that this stream gave' }],
    });
  }
  return Number(header);
}
