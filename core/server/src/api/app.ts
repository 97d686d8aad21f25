import { randomUUID } from 'node:crypto';
import type { Principal, Route } from '@stackyard/contract';
import type { Logger } from '@stackyard/kernel';
import { fastifySSE } from '@fastify/sse';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { withShortSeals } from '@stackyard/sdk/render';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { NotAcceptableError, RouteNotFoundError } from './errors.ts';
import { BODY_LIMIT, sendProblem } from './faults.ts';
import type { IdempotencyStore } from './idempotency.ts';
import { API_PREFIX, describeApi, schemaOf } from './openapi.ts';
import { addPublicRoutes } from './publicRoutes.ts';
import { audit, authenticate, handle } from './request.ts';
import { takeUploads, UPLOAD_MS } from './upload.ts';

/** What the HTTP edge needs from the rest of the server. */
export interface AppParts {
  readonly routes: readonly Route[];
  readonly log: Logger;
  /** The principal of a bearer token; undefined when it is not one of ours. */
  readonly authenticate: (token: string) => Promise<Principal | undefined>;
  /** Throws when the principal may not. */
  readonly authorize: (principal: Principal, permission: Route['permission'], clusterId: string | undefined) => void;
  readonly idempotency: IdempotencyStore;
  /** A keyed digest of a text that may hold secrets. */
  readonly digest: (text: string) => string;
  readonly audit: (entry: {
    principal: string;
    action: string;
    resource: string;
    clusterId: string | undefined;
    requestId: string;
    status: number;
  }) => Promise<void>;
  readonly observe: (sample: { method: string; route: string; status: number; seconds: number }) => void;
  /** Heartbeat of event streams in milliseconds. */
  readonly streamHeartbeatMs: number;
  /** How often a stream's reader is looked at again, in milliseconds. */
  readonly streamRecheckMs: number;
  /** How long a body may take, and an upload stand still, in milliseconds; what is usual when absent. */
  readonly bodyMs?: number;
  /** What requests are doing now; some of it goes on for a moment when their clients have gone. */
  readonly inFlight: Set<Promise<unknown>>;
}

/** The HTTP server with every route, not yet listening. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: parts.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request) => clientRequestId(request.headers['x-request-id']) ?? randomUUID(),
    bodyLimit: BODY_LIMIT,
    // Fastify's own defaults are "for ever".
    requestTimeout: UPLOAD_MS,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    http: { headersTimeout: 10_000, maxHeaderSize: 16_384 },
    // A host name may have 253 characters.
    routerOptions: { maxParamLength: 300 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    forceCloseConnections: true,
    frameworkErrors: (error, request, reply) => void sendProblem(parts.log, error, request, reply),
  });
  app.setValidatorCompiler(validatorCompiler);
  // Answers are checked against their schemas in tests; at run time a plain JSON.stringify is twice as fast on lists.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  // A text/plain body would reach the schemas as a string; JSON is all there is.
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler(async (error, request, reply) => {
    const status = sendProblem(parts.log, error, request, reply);
    try {
      await tracked(parts.inFlight, audit(parts, request, status));
    } catch (cause) {
      parts.log.error({ err: cause, requestId: request.id }, 'A refused change was not recorded');
    }
    return reply;
  });
  app.setNotFoundHandler(
    (request, reply) =>
      void sendProblem(
        parts.log,
        new RouteNotFoundError({ method: request.method, path: request.url.split('?')[0] ?? '' }),
        request,
        reply,
      ),
  );
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-request-id': request.id, 'cache-control': 'no-store', ...securityHeaders });
  });
  // Answers show what they know of a secret in other ways; this is for what nobody thought of.
  app.addHook('onSend', async (_request, _reply, payload) =>
    typeof payload === 'string' ? withShortSeals(payload) : payload,
  );
  app.addHook('onResponse', async (request, reply) => {
    parts.observe({
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1000,
    });
  });
  await app.register(fastifySSE, { heartbeatInterval: parts.streamHeartbeatMs });
  await describeApi(app);
  takeUploads(app, parts.routes, parts.bodyMs);
  addPublicRoutes(app, parts.routes);
  app.after(() => {
    for (const route of parts.routes) addRoute(app, parts, route);
  });
  return app;
}

/** Nothing of ours is meant to be framed, guessed at, or told to another site. */
const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
};

function addRoute(app: FastifyInstance, parts: AppParts, route: Route): void {
  const answers = Object.values(route.answers);
  const streams = answers.some((answer) => answer.stream);
  const only = streams && !answers.some((answer) => answer.text);
  app.route({
    method: route.method,
    url: route.root ? route.url : `${API_PREFIX}${route.url}`,
    schema: schemaOf(route) as never,
    config: { route },
    exposeHeadRoute: !streams,
    ...(streams ? { sse: { kind: 'dual' as const } } : {}),
    // Authentication comes before anything is parsed, and for every route: never by a prefix of its path.
    onRequest: (request) => {
      // Who takes anything, as curl does, takes the only thing there is.
      if (only && /(^|[,\s])(\*|text)\/\*/.test(request.headers.accept ?? '*/*')) {
        request.headers.accept = 'text/event-stream';
      }
      return authenticate(parts, request);
    },
    handler: async (request, reply) => {
      if (only && !reply.sse) throw new NotAcceptableError({});
      return tracked(parts.inFlight, handle(parts, route, request, reply));
    },
  });
}

function tracked<T>(inFlight: Set<Promise<unknown>>, work: Promise<T>): Promise<T> {
  const done = work.finally(() => inFlight.delete(done));
  inFlight.add(done);
  return done;
}

function clientRequestId(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[A-Za-z0-9._-]{8,64}$/.test(header) ? header : undefined;
}
