import { randomUUID } from 'node:crypto';
import type { Answer, Principal, Route, RouteRequest } from '@stackyard/contract';
import { type Logger, StackyardError } from '@stackyard/kernel';
import { fastifySSE } from '@fastify/sse';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController, type FastifyReply, type FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors, validatorCompiler } from 'fastify-type-provider-zod';
import { BodyTooLargeError, MalformedBodyError, MediaTypeError, RouteNotFoundError, UnauthenticatedError, ValidationFailedError } from './errors.ts';
import { type IdempotencyStore, once, requestHash } from './idempotency.ts';
import { describeApi, schemaOf } from './openapi.ts';
import { problemOf } from './problem.ts';

export const API_PREFIX = '/api/v1';
const BODY_LIMIT = 1_048_576;

/** What the HTTP edge needs from the rest of the server. */
export interface AppParts {
  readonly routes: readonly Route[];
  readonly log: Logger;
  /** The principal of a bearer token; undefined when it is not one of ours. */
  readonly authenticate: (token: string) => Promise<Principal | undefined>;
  /** Throws when the principal may not. */
  readonly authorize: (principal: Principal, permission: Route['permission'], clusterId: string | undefined) => void;
  readonly idempotency: IdempotencyStore;
  readonly audit: (entry: { principal: string; action: string; resource: string; clusterId: string | undefined; requestId: string; status: number }) => Promise<void>;
  readonly observe: (sample: { method: string; route: string; status: number; seconds: number }) => void;
  /** Heartbeat of event streams in milliseconds. */
  readonly streamHeartbeatMs: number;
}

/** The HTTP server with every route, not yet listening. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: parts.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request) => clientRequestId(request.headers['x-request-id']) ?? randomUUID(),
    bodyLimit: BODY_LIMIT,
    // Fastify's own defaults are "for ever".
    requestTimeout: 15_000,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    http: { headersTimeout: 10_000, maxHeaderSize: 16_384 },
    routerOptions: { maxParamLength: 200 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    forceCloseConnections: true,
  });
  app.setValidatorCompiler(validatorCompiler);
  // Answers are checked against their schemas in tests; at run time a plain JSON.stringify is twice as fast on lists.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error, request, reply) => void sendProblem(parts, error, request, reply));
  app.setNotFoundHandler((request, reply) => void sendProblem(parts, new RouteNotFoundError({ method: request.method, path: request.url.split('?')[0] ?? '' }), request, reply));
  app.addHook('onSend', async (request, reply, payload) => {
    reply.header('x-request-id', request.id);
    reply.header('cache-control', 'no-store');
    reply.header('x-content-type-options', 'nosniff');
    return payload;
  });
  app.addHook('onResponse', async (request, reply) => {
    parts.observe({ method: request.method, route: request.routeOptions.url ?? 'unknown', status: reply.statusCode, seconds: reply.elapsedTime / 1000 });
  });
  await app.register(fastifySSE, { heartbeatInterval: parts.streamHeartbeatMs });
  await describeApi(app);
  app.after(() => {
    for (const route of parts.routes) addRoute(app, parts, route);
  });
  return app;
}

function addRoute(app: FastifyInstance, parts: AppParts, route: Route): void {
  const streams = Object.values(route.answers).some((answer) => answer.stream);
  app.route({
    method: route.method,
    url: route.root ? route.url : `${API_PREFIX}${route.url}`,
    schema: schemaOf(route) as never,
    ...(streams ? { sse: { kind: 'dual' as const } } : {}),
    // Authentication comes before anything is parsed, and for every route: never by a prefix of its path.
    onRequest: async (request) => {
      const principal = await authenticate(parts, request);
      Object.assign(request, { principal });
    },
    handler: async (request, reply) => handle(parts, route, request, reply),
  });
}

async function authenticate(parts: AppParts, request: FastifyRequest): Promise<Principal> {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  const principal = scheme?.toLowerCase() === 'bearer' && token ? await parts.authenticate(token) : undefined;
  if (!principal) throw new UnauthenticatedError({});
  return principal;
}

async function handle(parts: AppParts, route: Route, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const input: RouteRequest<never, never, never> = {
    params: request.params as never,
    query: request.query as never,
    body: request.body as never,
    headers: request.headers,
    principal: (request as FastifyRequest & { principal: Principal }).principal,
    requestId: request.id,
    signal: gone.signal,
  };
  const clusterId = await route.clusterOf?.(input);
  parts.authorize(input.principal, route.permission, clusterId);
  const key = route.idempotent ? request.headers['idempotency-key'] : undefined;
  const answer =
    typeof key === 'string'
      ? await repeatable(parts, route, request, input, key)
      : await route.handle(input);
  const status = answer.status ?? Number(Object.keys(route.answers)[0] ?? 200);
  if (route.audit !== 'none') {
    await parts.audit({ principal: input.principal.id, action: route.audit, resource: request.url.split('?')[0] ?? '', clusterId, requestId: request.id, status });
  }
  return send(answer, status, reply);
}

async function repeatable(parts: AppParts, route: Route, request: FastifyRequest, input: RouteRequest<never, never, never>, key: string): Promise<Answer> {
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw new ValidationFailedError({ errors: [{ pointer: 'Idempotency-Key', code: 'format', message: 'use 1 to 200 visible characters' }] });
  }
  const hash = requestHash(request.method, request.url, request.body);
  const stored = await once(parts.idempotency, { principal: input.principal.id, key, hash }, async () => {
    const answer = await route.handle(input);
    return { status: answer.status ?? Number(Object.keys(route.answers)[0] ?? 200), headers: answer.headers ?? {}, body: answer.body ?? null };
  });
  return { status: stored.status, headers: { ...stored.headers, ...(stored.replayed ? { 'idempotency-replayed': 'true' } : {}) }, body: stored.body };
}

async function send(answer: Answer, status: number, reply: FastifyReply): Promise<unknown> {
  for (const [name, value] of Object.entries(answer.headers ?? {})) reply.header(name, value);
  if (answer.messages) {
    reply.code(status);
    reply.sse.sendHeaders(status);
    await reply.sse.send(answer.messages as never);
    // Nothing is returned: the SSE plugin ends the response itself.
    return undefined;
  }
  reply.code(status);
  if (answer.bytes) return reply.send(answer.bytes);
  return reply.send(answer.body === undefined && status === 204 ? undefined : answer.body);
}

function sendProblem(parts: AppParts, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(known(error), request.id);
  if (problem.status >= 500) parts.log.error({ err: error, requestId: request.id, method: request.method, url: request.url }, 'Request failed');
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  if (problem.status === 503) reply.header('retry-after', '3');
  return reply.code(problem.status).header('content-type', 'application/problem+json').send(JSON.stringify(problem));
}

/** Fastify's own errors in the words of the catalogue. */
function known(error: unknown): unknown {
  if (error instanceof StackyardError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    return new ValidationFailedError({
      errors: error.validation.map((issue) => ({
        pointer: error.validationContext === 'body' ? issue.instancePath || '/' : `${error.validationContext ?? ''}${issue.instancePath}`,
        code: String(issue.keyword),
        message: issue.message ?? 'is not valid',
      })),
    });
  }
  const code = (error as { code?: string }).code;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new BodyTooLargeError({ limit: BODY_LIMIT });
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new MediaTypeError({ type: 'of an unknown type' });
  if (code === 'FST_ERR_CTP_EMPTY_JSON_BODY' || error instanceof SyntaxError || code === 'FST_ERR_CTP_INVALID_JSON_BODY') {
    return new MalformedBodyError({ reason: (error as Error).message });
  }
  return error;
}

function clientRequestId(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[A-Za-z0-9._-]{8,64}$/.test(header) ? header : undefined;
}
