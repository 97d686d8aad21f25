import { Readable } from 'node:stream';
import { defineRoute, type Route, type StreamMessage } from '@stackyard/contract';
import { isTerminal } from '@stackyard/domain';
import { z } from 'zod';
import type { AttemptRow } from '../../database/entities.ts';
import { select } from '../../database/select.ts';
import type { Events, LogStore } from '../../engine/ports.ts';
import { NotFoundError, ValidationFailedError } from '../errors.ts';
import type { RouteParts } from './parts.ts';

const Digits = z
  .string()
  .regex(/^[0-9]{1,15}$/, 'use a number')
  .transform(Number);

/** So long an agent keeps a log that it may still have to send. */
const AGENTS_KEEP_MS = 86_400_000;

/** Bytes of one message of a followed log. */
const PIECE = 65_536;

export function logRoutes({ sql, events, jobs, logs }: RouteParts): Route[] {
  async function sizeAtEnd(attemptId: string): Promise<number | undefined> {
    const text = 'select state, log_size as "logSize", finished_at as "finishedAt" from attempt';
    type Row = Pick<AttemptRow, 'state' | 'logSize' | 'finishedAt'>;
    const [row] = await select<Row>(sql, { name: 'log-size', text, where: [['id = $N', attemptId]], limit: 1 });
    if (!row || !isTerminal(row.state)) return undefined;
    const isOld = Date.now() - (row.finishedAt?.getTime() ?? Date.now()) > AGENTS_KEEP_MS;
    return isOld && logs.size(attemptId) === 0 ? 0 : row.logSize;
  }

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
      if (number < 1 || number > task.attempts)
        throw new NotFoundError({ what: 'attempt', name: `${number} of task ${task.id}` });
      const attemptId = `${task.id}/${number}`;
      if (!String(headers['accept'] ?? '').includes('text/event-stream')) {
        const from = query.from ?? 0;
        return {
          headers: {
            'content-type': 'text/plain; charset=utf-8',
            'x-log-size': String(logs.size(attemptId)),
            'x-log-complete': String(logs.complete(attemptId)),
          },
          bytes: Readable.from(logs.read(attemptId, from, query.to)),
        };
      }
      const from = resumeAt(headers['last-event-id']) ?? query.from ?? 0;
      return { messages: follow({ logs, events, sizeAtEnd }, { attemptId, from, signal }) };
    },
  });

  return [getTaskLog];
}

interface Followed {
  readonly logs: LogStore;
  readonly events: Pick<Events, 'subscribe'>;
  /** Bytes that an attempt has printed in all, 0 when they were removed as old; undefined until it is terminal. */
  readonly sizeAtEnd: (attemptId: string) => Promise<number | undefined>;
}

/** Messages from an offset until the log has ended; UTF-8 characters are never cut. */
export async function* follow(
  { logs, events, sizeAtEnd }: Followed,
  { attemptId, from, signal }: { attemptId: string; from: number; signal: AbortSignal },
): AsyncGenerator<StreamMessage> {
  let wake = Promise.withResolvers<void>();
  const rouse = () => wake.resolve();
  let committed = true;
  const undo = [
    logs.watch(attemptId, rouse),
    events.subscribe(() => {
      committed = true;
      rouse();
    }),
  ];
  signal.addEventListener('abort', rouse);
  try {
    let offset = await characterStart(logs, attemptId, from);
    let size: number | undefined;
    while (!signal.aborted) {
      if (committed && size === undefined && !logs.complete(attemptId)) {
        committed = false;
        size = await sizeAtEnd(attemptId);
      }
      // One that was given up, or printed nothing, or whose log was removed: no agent will mark the end of it.
      const ended = logs.complete(attemptId) || (size !== undefined && logs.size(attemptId) >= size);
      for (let end = logs.size(attemptId); offset < end && !signal.aborted;) {
        const bytes = await readPiece(logs, attemptId, offset, Math.min(end, offset + PIECE));
        const whole = ended && offset + bytes.length >= end ? bytes.length : wholeCharacters(bytes);
        if (whole === 0) break;
        offset += whole;
        yield { id: String(offset), event: 'output', data: { text: bytes.subarray(0, whole).toString('utf8') } };
      }
      if (ended && offset >= logs.size(attemptId)) {
        yield { id: String(offset), event: 'end', data: { size: offset } };
        return;
      }
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
  } finally {
    for (const each of undo) each();
  }
}

/** Where the character that an offset points into begins, so that a client which counts bytes never gets half of one. */
async function characterStart(logs: LogStore, attemptId: string, offset: number): Promise<number> {
  if (offset <= 0 || offset >= logs.size(attemptId)) return offset;
  const first = Math.max(0, offset - 3);
  const bytes = await readPiece(logs, attemptId, first, offset + 1);
  if (!isContinuation(bytes.at(-1))) return offset;
  const before = bytes.subarray(0, -1);
  return before.length - wholeCharacters(before) > 0 ? first + wholeCharacters(before) : offset;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
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
    throw new ValidationFailedError({
      errors: [{ pointer: 'Last-Event-ID', code: 'format', message: 'use an id that this stream gave' }],
    });
  }
  return Number(header);
}
