import { expect, test } from 'vitest';
import { NotSignedInError, ProblemError, ServerUnreachableError } from '../errors.ts';
import { type StreamMessage, streamOf } from './events.ts';
import { httpServer, sendJson } from './testing.ts';

const message = (id: number, event = 'task') => `id: ${id}\nevent: ${event}\ndata: {"n":${id}}\n\n`;

async function all(stream: AsyncIterable<StreamMessage>): Promise<StreamMessage[]> {
  const messages: StreamMessage[] = [];
  for await (const each of stream) messages.push(each);
  return messages;
}

test('a stream that breaks off goes on after the last message that came whole', async () => {
  await using server = await httpServer((request, response) => {
    const last = Number(request.headers['last-event-id'] ?? 0);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(message(last + 1) + message(last + 2));
    // The third is cut off in the middle, as a killed server leaves it.
    if (last === 0) response.write(message(3).slice(0, 12), () => response.destroy());
    else response.end(message(last + 3, 'end'));
  });
  const breaks: string[] = [];
  const options = {
    last: 'end',
    firstDelayMs: 1,
    onBreak: (reason: string) => breaks.push(reason),
    onResume: () => breaks.push('resumed'),
  };
  const messages = await all(streamOf({ url: server.url, token: 't' }, '/events', options));
  expect(messages.map(({ id, event }) => `${id} ${event}`)).toEqual(['1 task', '2 task', '3 task', '4 task', '5 end']);
  expect(server.asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '2']);
  expect(server.asked[0]?.headers).toMatchObject({ authorization: 'Bearer t', accept: 'text/event-stream' });
  expect(breaks).toHaveLength(2);
});

test('a server that is away for a while is waited for, and a refusal after a break is told', async () => {
  let asked = 0;
  await using server = await httpServer((_, response) => {
    asked++;
    if (asked === 1) return response.writeHead(200, { 'content-type': 'text/event-stream' }).end(message(1));
    if (asked < 4) return sendJson(response, 503, { code: 'UNAVAILABLE', detail: 'Not now.', status: 503 });
    return sendJson(response, 404, {
      code: 'NOT_FOUND',
      title: 'Not found',
      detail: 'There is no cluster x.',
      status: 404,
      type: '',
      requestId: '',
    });
  });
  await expect(all(streamOf({ url: server.url, token: undefined }, '/events', { firstDelayMs: 1 }))).rejects.toThrow(
    ProblemError,
  );
  expect(asked).toBe(4);
});

test('the first connection is not tried again: who is wrong from the start is told at once', async () => {
  await using server = await httpServer((_, response) =>
    sendJson(response, 401, { code: 'UNAUTHENTICATED', detail: '', status: 401 }),
  );
  await expect(all(streamOf({ url: server.url, token: 'x' }, '/events'))).rejects.toThrow(NotSignedInError);
  await expect(all(streamOf({ url: 'http://127.0.0.1:1', token: 'x' }, '/events'))).rejects.toThrow(
    ServerUnreachableError,
  );
});

test('a stream ends quietly when its reader has had enough', async () => {
  await using server = await httpServer((_, response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(message(1)),
  );
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const { event } of streamOf({ url: server.url, token: undefined }, '/events', { signal: stop.signal })) {
    seen.push(event);
    stop.abort();
  }
  expect(seen).toEqual(['task']);
});
