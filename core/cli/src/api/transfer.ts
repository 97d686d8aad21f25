import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { headersOf, reach, refusal, type Connection } from './client.ts';

/** Told how far a transfer is: bytes done, and of how many. */
export type OnBytes = (done: number, total: number) => void;

/**
 * Sends a file, or bytes, as a body. fetch gives up waiting for an answer after five minutes, and holds no back-pressure.
 *
 * @returns the JSON of the answer. @throws ProblemError for a refusal
 */
export async function sendBytes(
  connection: Connection,
  { path, media, from, onBytes }: { path: string; media: string; from: string | Buffer; onBytes?: OnBytes },
): Promise<unknown> {
  const size = typeof from === 'string' ? (await stat(from)).size : from.length;
  const { request, answered } = ask(connection, 'POST', path, {
    'content-type': media,
    'content-length': String(size),
  });
  const sending = pipeline(
    typeof from === 'string' ? createReadStream(from) : Readable.from([from]),
    counted((done) => onBytes?.(done, size)),
    request,
  );
  // A refusal may come before everything is sent; then it is what counts, and not the broken pipe.
  sending.catch(() => undefined);
  const answer = await answered;
  return bodyOf(answer, connection.url + path);
}

/** Sends JSON and writes what comes back to a new file. @throws ProblemError for a refusal */
export async function receiveFile(
  connection: Connection,
  { path, body, file, onBytes }: { path: string; body: object; file: string; onBytes?: OnBytes },
): Promise<void> {
  const { request, answered } = ask(connection, 'POST', path, { 'content-type': 'application/json' });
  request.end(JSON.stringify(body));
  const answer = await answered;
  if (answer.statusCode !== 200) return void (await bodyOf(answer, connection.url + path));
  const total = Number(answer.headers['content-length'] ?? 0);
  await pipeline(
    answer,
    counted((done) => onBytes?.(done, total)),
    createWriteStream(file, { flags: 'wx', mode: 0o600 }),
  );
}

function ask(connection: Connection, method: string, path: string, headers: Record<string, string>) {
  const url = new URL(connection.url + path);
  const { request: open } = url.protocol === 'https:' ? https : http;
  const idempotencyKey = { 'idempotency-key': randomUUID() };
  const request = open(url, { method, headers: { ...headers, ...headersOf(connection), ...idempotencyKey } });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
  const told = reach(connection, () => answered as never) as never as Promise<IncomingMessage>;
  told.catch(() => undefined);
  return { request, answered: told };
}

async function bodyOf(answer: IncomingMessage, url: string): Promise<unknown> {
  const said = await text(answer);
  const json = /json/.test(answer.headers['content-type'] ?? '') ? (JSON.parse(said) as unknown) : undefined;
  const { statusCode = 0, statusMessage = '' } = answer;
  if (statusCode < 300) return json;
  const response = new Response(null, { status: statusCode, statusText: statusMessage });
  Object.defineProperty(response, 'url', { value: url });
  throw refusal(json, response);
}

function counted(tell: (done: number) => void) {
  return async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let done = 0;
    for await (const chunk of source) {
      done += chunk.length;
      yield chunk;
      tell(done);
    }
  };
}
