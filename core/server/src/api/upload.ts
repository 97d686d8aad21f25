import { setTimeout as delay } from 'node:timers/promises';
import type { Route } from '@stackyard/contract';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BodyTooLargeError, MediaTypeError, UploadBrokenError, UploadStalledError } from './errors.ts';

/** A whole body that is parsed has to come within this time; of an upload at least one byte. */
const BODY_MS = 15_000;
/** No upload may take longer. */
export const UPLOAD_MS = 3_600_000;

type Bodies = AsyncIterable<Uint8Array>;

/** Bytes are taken only by routes that say so, and are handed to them as they come. */
export function takeUploads(app: FastifyInstance, routes: readonly Route[], bodyMs = BODY_MS): void {
  const media = new Set(routes.flatMap(({ upload }) => upload?.media ?? []));
  for (const each of media)
    app.addContentTypeParser(each, (request, payload, done) => {
      const { upload } = routeOf(request) ?? {};
      if (upload?.media === each) done(null, payload);
      else done(new MediaTypeError({ type: each, wanted: upload?.media ?? 'application/json' }));
    });
  // Node counts from the first byte of a request to its last, for all routes alike; uploads need longer than others.
  app.addHook('onRequest', async (request, reply) => {
    if (routeOf(request)?.upload) return;
    const late = setTimeout(() => {
      if (request.raw.complete) return;
      request.raw.socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
      request.raw.destroy();
    }, bodyMs).unref();
    reply.raw.once('close', () => clearTimeout(late));
  });
}

function routeOf(request: FastifyRequest): Route | undefined {
  return (request.routeOptions.config as { route?: Route } | undefined)?.route;
}

/**
 * The bytes of a request, counted and waited for.
 *
 * @throws MediaTypeError at once; BodyTooLargeError, UploadStalledError and UploadBrokenError while it is read
 */
export function contentOf(request: FastifyRequest, { upload }: Route, bodyMs = BODY_MS): Bodies {
  if (!upload) return noContent();
  if (request.body !== request.raw)
    throw new MediaTypeError({ type: request.headers['content-type'] ?? 'missing', wanted: upload.media });
  if (Number(request.headers['content-length'] ?? 0) > upload.maxBytes)
    throw new BodyTooLargeError({ limit: upload.maxBytes });
  return counted(request.raw, upload.maxBytes, bodyMs);
}

export async function* noContent(): Bodies {
  // Whoever asks for the bytes of a route that takes none gets none.
}

async function* counted(source: AsyncIterable<Uint8Array>, limit: number, bodyMs: number): Bodies {
  const chunks = source[Symbol.asyncIterator]();
  let bytes = 0;
  for (;;) {
    const next = await inTime(chunks.next(), bodyMs);
    if (next.done) return;
    bytes += next.value.length;
    if (bytes > limit) throw new BodyTooLargeError({ limit });
    yield next.value;
  }
}

async function inTime<T>(coming: Promise<T>, ms: number): Promise<T> {
  const given = new AbortController();
  const late = delay(ms, undefined, { signal: given.signal, ref: false }).then(() => {
    throw new UploadStalledError({ seconds: ms / 1000 });
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([
      coming.catch((cause: unknown) => Promise.reject(new UploadBrokenError({}, { cause }))),
      late,
    ]);
  } finally {
    given.abort();
  }
}
