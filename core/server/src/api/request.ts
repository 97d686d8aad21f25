import type { Answer, Principal, Route, RouteRequest } from '@stackyard/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppParts } from './app.ts';
import { NotFoundError, UnauthenticatedError, ValidationFailedError } from './errors.ts';
import { once, requestHash } from './idempotency.ts';
import { keepRecording, Recording, recordingOf } from './recording.ts';
import { sendMessages } from './stream.ts';
import { unstorable } from './text.ts';
import { contentOf, noContent } from './upload.ts';

type Input = RouteRequest<never, never, never>;

/** What is known of a request besides what Fastify knows. */
interface Known {
  principal?: Principal;
  clusterId?: string | undefined;
}

const known = new WeakMap<FastifyRequest, Known>();

/** Finds who asks, before anything is parsed. @throws UnauthenticatedError */
export async function authenticate(parts: AppParts, request: FastifyRequest): Promise<void> {
  const [, token] = /^bearer +([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? '') ?? [];
  const principal = token === undefined ? undefined : await parts.authenticate(token);
  if (!principal) throw new UnauthenticatedError({});
  known.set(request, { principal });
}

/** Authorises a request that has passed its schemas, runs it (once per Idempotency-Key) and records it. */
export async function handle(
  parts: AppParts,
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { principal } = known.get(request) ?? {};
  if (!principal) throw new UnauthenticatedError({});
  for (const part of [request.params, request.query, ...(route.upload ? [] : [request.body])]) refuseUnstorable(part);
  if (!route.body && !route.upload) refuseContent(request.body);
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const asked: Input = {
    params: request.params as never,
    query: request.query as never,
    body: (route.upload ? undefined : request.body) as never,
    content: noContent(),
    headers: request.headers,
    principal,
    requestId: request.id,
    signal: gone.signal,
  };
  await authorize(parts, route, request, asked);
  // Not before: what is wrong with the bytes of an upload is the business of those who may send it.
  // The same object all the way: what a route has read to see whose it is, it finds again by it.
  const input: Input = Object.assign(asked, { content: contentOf(request, route, parts.bodyMs) });
  const key = idempotencyKey(route, request);
  const recording = new Recording(entryOf(request, route, principal), key);
  keepRecording(input, recording);
  const answer = key === undefined ? await route.handle(input) : await repeatable(parts, route, request, input, key);
  const status = statusOf(route, answer);
  if (!recording.taken) await audit(parts, request, status);
  for (const [name, value] of Object.entries(answer.headers ?? {})) reply.header(name, value);
  const { messages } = answer;
  if (!messages) return send(answer, status, reply);
  const recheck = async () => {
    await authenticate(parts, request);
    await authorize(parts, route, request, input);
  };
  const { streamRecheckMs: recheckMs, log } = parts;
  // Nothing is returned: the SSE plugin ends the response itself.
  return sendMessages(reply, status, { messages, gone: gone.signal, recheck, recheckMs, log });
}

/** Records a change, and an attempt at one that was refused or failed; reads and strangers leave nothing. */
export async function audit(parts: AppParts, request: FastifyRequest, status: number): Promise<void> {
  const { route } = request.routeOptions.config as { route?: Route };
  const { principal } = known.get(request) ?? {};
  if (!route || route.audit === 'none' || !principal) return;
  await parts.audit({ ...entryOf(request, route, principal), status });
}

function entryOf(request: FastifyRequest, { audit: action }: Route, { id: principal }: Principal) {
  const resource = (request.url.split('?')[0] ?? '').slice(0, 250);
  return { principal, action, resource, clusterId: known.get(request)?.clusterId, requestId: request.id };
}

async function authorize(parts: AppParts, route: Route, request: FastifyRequest, input: Input): Promise<void> {
  try {
    const clusterId = await route.clusterOf?.(input);
    known.set(request, { principal: input.principal, clusterId });
    parts.authorize(input.principal, route.permission, clusterId);
  } catch (error) {
    // Who may not look learns nothing about what there is.
    if (error instanceof NotFoundError) parts.authorize(input.principal, route.permission, undefined);
    throw error;
  }
}

function refuseUnstorable(part: unknown): void {
  const found = unstorable(part);
  if (found) throw new ValidationFailedError({ errors: [{ code: 'unstorable', ...found }] });
}

/** What nobody reads is not dropped in silence; `{}` is what some clients send for nothing. */
function refuseContent(body: unknown): void {
  const empty = body === undefined || body === null || (typeof body === 'object' && Object.keys(body).length === 0);
  if (!empty)
    throw new ValidationFailedError({ errors: [{ pointer: '/', code: 'body', message: 'this takes no body' }] });
}

function idempotencyKey(route: Route, request: FastifyRequest): string | undefined {
  const key = route.idempotent ? request.headers['idempotency-key'] : undefined;
  if (typeof key !== 'string') return undefined;
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw new ValidationFailedError({
      errors: [{ pointer: 'Idempotency-Key', code: 'format', message: 'use 1 to 200 visible characters' }],
    });
  }
  return key;
}

async function repeatable(
  parts: AppParts,
  route: Route,
  request: FastifyRequest,
  input: Input,
  key: string,
): Promise<Answer> {
  const hash = requestHash(request, parts.digest);
  const stored = await once(parts.idempotency, { principal: input.principal.id, key, hash }, async () => {
    const answer = await route.handle(input);
    const kept = recordingOf(input).taken;
    return { status: statusOf(route, answer), headers: answer.headers ?? {}, body: answer.body ?? null, kept };
  });
  return {
    status: stored.status,
    headers: { ...stored.headers, ...(stored.replayed ? { 'idempotency-replayed': 'true' } : {}) },
    body: stored.body,
  };
}

function statusOf(route: Route, answer: Answer): number {
  return answer.status ?? Number(Object.keys(route.answers)[0] ?? 200);
}

function send(answer: Answer, status: number, reply: FastifyReply): FastifyReply {
  reply.code(status);
  if (answer.bytes) return reply.send(answer.bytes);
  return reply.send(answer.body === undefined && status === 204 ? undefined : answer.body);
}
