import { Readable } from 'node:stream';
import { defineRoute, type Route, type StreamMessage } from '@stackyard/contract';
import { z } from 'zod';
import type { LogStore } from '../../engine/ports.ts';
import { NotFoundError, ValidationFailedError } from '../errors.ts';
import type { RouteParts } from './parts.ts';

const Digits = z.string().regex(/^[0-9]{1,15}$/, 'use a number').transform(Number);

/** Bytes of one message of a followed log. */
const PIECE = 65_536;

export function logRoutes({ jobs, logs }: RouteParts): Route[] {
  const getTaskLog = defineRoute({
    method: 'GET',
    url: '/tasks/:task/log',
    operationId: 'getTaskLog',
    tag: 'tasks',
    summary: 'Read or follow the output of a task',
    description:
      'Plain text from a byte offset; with `Accept: text/event-stream` it is followed until the attempt has ended. The id of an event is the byte offset after it: Last-Event-ID resumes exactly there. The last event is called "end".',
    permission: { action: 'read', resource: 'job' },
    audit: 'none',
    clusterOf: async ({ params }) => (await jobs.task(params.task)).clusterId,
    params: z.strictObject({ task: z.string().max(36) }),
    query: z.strictObject({
      attempt: Digits.optional().describe('Number of the attempt; the latest when absent'),
      from: Digits.optional().describe('Byte offset to start at'),
      to: Digits.optional().describe('Byte offset to end before; the present end when absent'),
    }),
    answers: { 200: { description: 'The output', text: true, stream: true } },
    problems: [404],
    handle: async ({ params, query, headers, signal }) => {
      const task = await jobs.task(params.task);
      const number = query.attempt ?? task.attempts;
      if (number < 1 || number > task.attempts) throw new NotFoundError({ what: 'attempt', name: `${number} of task ${task.id}` });
      const attemptId = `${task.id}/${number}`;
      if (!String(headers['accept'] ?? '').includes('text/event-stream')) {
        const from = query.from ?? 0;
        return {
          headers: { 'content-type': 'text/plain; charset=utf-8', 'x-log-size': String(logs.size(attemptId)), 'x-log-complete': String(logs.complete(attemptId)) },
          bytes: Readable.from(logs.read(attemptId, from, query.to)),
        };
      }
      return { messages: follow(logs, attemptId, resumeAt(headers['last-event-id']) ?? query.from ?? 0, signal) };
    },
  });

  return [getTaskLog];
}

/** Messages from an offset until the log has ended; UTF-8 characters are never cut. */
export async function* follow(logs: LogStore, attemptId: string, from: number, signal: AbortSignal): AsyncGenerator<StreamMessage> {
  let offset = from;
  let wake = Promise.withResolvers<void>();
  const undo = logs.watch(attemptId, () => wake.resolve());
  signal.addEventListener('abort', () => wake.resolve());
  try {
    while (!signal.aborted) {
      const complete = logs.complete(attemptId);
      for (let end = logs.size(attemptId); offset < end && !signal.aborted; ) {
        const bytes = await readPiece(logs, attemptId, offset, Math.min(end, offset + PIECE));
        const whole = complete && offset + bytes.length >= end ? bytes.length : wholeCharacters(bytes);
        if (whole === 0) break;
        offset += whole;
        yield { id: String(offset), event: 'output', data: { text: bytes.subarray(0, whole).toString('utf8') } };
      }
      if (complete && offset >= logs.size(attemptId)) {
        yield { id: String(offset), event: 'end', data: { size: offset } };
        return;
      }
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
  } finally {
    undo();
  }
}

async function readPiece(logs: LogStore, attemptId: string, from: number, to: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of logs.read(attemptId, from, to)) parts.push(part);
  return Buffer.concat(parts);
}

/** How many bytes end on a whole UTF-8 character; all of them where the text is no UTF-8. */
export function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) {
      const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needs > back ? bytes.length - back : bytes.length;
    }
  }
  return bytes.length;
}

function resumeAt(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !/^[0-9]{1,15}$/.test(header)) {
    throw new ValidationFailedError({ errors: [{ pointer: 'Last-Event-ID', code: 'format', message: 'use an id that this stream gave' }] });
  }
  return Number(header);
}
