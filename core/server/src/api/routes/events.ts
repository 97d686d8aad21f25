import { defineRoute, type Route, type StreamMessage } from '@stackyard/contract';
import { z } from 'zod';
import { clusterIdOf } from '../../clusters/lookup.ts';
import { ValidationFailedError } from '../errors.ts';
import { type EventFilter, EventReader } from '../eventReader.ts';
import type { RouteParts } from './parts.ts';

const TOPICS = ['cluster', 'service', 'component', 'host', 'job', 'task', 'package', 'stack'] as const;
const BATCH = 500;

export function eventRoutes({ em, sql, events }: RouteParts): Route[] {
  const reader = new EventReader(sql);
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
          new RegExp(`^(${TOPICS.join('|')})(,(${TOPICS.join('|')}))*$`),
          `use ${TOPICS.join(', ')}, comma-separated`,
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
      const start = lastEventId(headers['last-event-id']) ?? query.after ?? (await newest());
      const gap = await isGone(start);
      return { messages: stream({ topics: query.topics, clusterId }, { start, gap }, signal) };
    },
  });

  async function newest(): Promise<number> {
    const { rows } = await sql.query<{ newest: number | null }>('select max(id) as newest from event');
    return rows[0]?.newest ?? 0;
  }

  /** Whether events after this one were removed because of their age: then the stream cannot resume without a gap. */
  async function isGone(id: number): Promise<boolean> {
    const { rows } = await sql.query<{ oldest: number | null }>('select min(id) as oldest from event');
    return (rows[0]?.oldest ?? 0) > id + 1;
  }

  async function* stream(
    filter: EventFilter,
    { start, gap }: { readonly start: number; readonly gap: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<StreamMessage> {
    let last = start;
    let committed = start;
    let wake = Promise.withResolvers<void>();
    const undo = events.subscribe((newest) => {
      committed = Math.max(committed, newest);
      wake.resolve();
    });
    signal.addEventListener('abort', () => wake.resolve());
    // The first message says where the stream stands, so that a client that loses it at once can resume too.
    yield { id: String(last), event: 'ready', data: gap ? { after: last, gap } : { after: last } };
    try {
      while (!signal.aborted) {
        const waiting = wake.promise;
        // What was committed before the query is behind us after it, also where the filters let nothing through.
        const seen = committed;
        const rows = await reader.read({ ...filter, after: last, limit: BATCH });
        for (const { id, topic, clusterId, payload, at } of rows) {
          last = id;
          yield {
            id: String(id),
            event: topic,
            data: { ...payload, clusterId: clusterId ?? null, at: at.toISOString() },
          };
        }
        if (rows.length === BATCH) continue;
        last = Math.max(last, seen);
        await waiting;
        wake = Promise.withResolvers<void>();
      }
    } finally {
      undo();
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
