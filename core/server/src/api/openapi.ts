import type { Route } from '@stackyard/contract';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { OpenAPIV3 } from 'openapi-types';
import { z } from 'zod';
import { Problem } from './problem.ts';

export const API_PREFIX = '/api/v1';

const wordmark =
  '<svg xmlns="http://www.w3.org/2000/svg" width="150" height="40"><text y="28" font-family="sans-serif" font-size="24" font-weight="bold" fill="#fff">Stackyard</text></svg>';

/** Problems that every operation may answer. */
const everywhere: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'Not signed in',
  403: 'Not allowed',
  500: 'The server failed',
  503: 'Not available now',
};

/** Problems that some operations may answer. */
const somewhere: Readonly<Record<number, string>> = {
  404: 'There is no such thing',
  406: 'Only an event stream is offered',
  408: 'The body did not come in time',
  409: 'It conflicts with the present state',
  410: 'It is no longer valid',
  412: 'It changed meanwhile',
  413: 'The body is too large',
  415: 'Another type of body is read here',
  422: 'The command is refused; "errors" says why and where',
  428: 'If-Match is needed',
  502: 'A registry is out of reach, or answers something else',
  507: 'The disk of the server is full',
};

/** What the statuses of problems say in the description. */
export const problemStatuses: Readonly<Record<number, string>> = { ...everywhere, ...somewhere };

/** The page has all it needs from this server, also where there is no way out. */
const contentSecurity = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The description at /api/v1/openapi.json and its page at /api/v1/docs; no request leaves the server's origin. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.0.3',
      info: {
        title: 'Stackyard',
        version: '1',
        description: 'Deploys and runs big-data services on your own hosts.',
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      },
      servers: [{ url: '/', description: 'This server' }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => onlyUsed(jsonSchemaTransformObject(document) as OpenAPIV3.Document),
  });
  await app.register(swaggerUi, {
    routePrefix: `${API_PREFIX}/docs`,
    staticCSP: contentSecurity,
    uiConfig: { deepLinking: true, validatorUrl: null },
    logo: { type: 'image/svg+xml', content: Buffer.from(wordmark) },
    theme: { title: 'Stackyard API' },
  });
}

const Bytes = z.unknown().meta({ type: 'string', format: 'binary' });

/** The schema of a route as @fastify/swagger and the validator take it. */
export function schemaOf(route: Route): object {
  const problems = new Set([
    ...Object.keys(everywhere).map(Number),
    ...(route.body || route.upload ? [413, 415] : []),
    ...(route.upload ? [408] : []),
    ...(route.idempotent ? [409, 422] : []),
    ...(route.problems ?? []),
  ]);
  const responses: Record<number, unknown> = {};
  for (const [status, { description, schema, text, stream, media, example }] of Object.entries(route.answers)) {
    const type = media ?? (stream ? 'text/event-stream' : text ? 'text/plain' : 'application/json');
    const body = media ? Bytes : (schema ?? (stream || text ? z.string() : undefined));
    responses[Number(status)] = body
      ? { description, content: { [type]: { schema: body, ...(example === undefined ? {} : { example }) } } }
      : z.undefined().describe(description);
  }
  for (const status of problems) {
    responses[status] = {
      description: problemStatuses[status] ?? 'Problem',
      content: { 'application/problem+json': { schema: Problem } },
    };
  }
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    description: `${route.description}\n\nPermission: ${route.permission.action} ${route.permission.resource}.`,
    ...(route.params ? { params: route.params } : {}),
    // A parameter that nobody reads is a typing error; scrapers of a plugin's own route may send what they like.
    ...(route.query || !route.root ? { querystring: route.query ?? z.strictObject({}) } : {}),
    ...(route.body ? { body: route.body } : {}),
    ...(route.upload ? { consumes: [route.upload.media], body: Bytes } : {}),
    ...(headersOf(route) ? { headers: headersOf(route) } : {}),
    response: responses,
  };
}

function headersOf(route: Route): z.ZodType | undefined {
  if (!route.idempotent && !route.ifMatch) return undefined;
  return z.looseObject({
    ...(route.idempotent
      ? {
          'idempotency-key': z
            .string()
            .optional()
            .describe('Repeating a request with the same key runs it once; kept for 24 h'),
        }
      : {}),
    ...(route.ifMatch ? { 'if-match': z.string().optional().describe('ETag of what was read') } : {}),
  });
}

/** zod's schemas are listed twice, as they come in and as they go out; what nothing refers to is left out. */
function onlyUsed(document: OpenAPIV3.Document): OpenAPIV3.Document {
  const schemas: Record<string, unknown> = document.components?.schemas ?? {};
  const used = new Set<string>();
  const visit = (part: unknown): void => {
    for (const [, name = ''] of JSON.stringify(part ?? {}).matchAll(/"#\/components\/schemas\/([^"/]+)"/g)) {
      if (used.has(name)) continue;
      used.add(name);
      visit(schemas[name]);
    }
  };
  visit(document.paths);
  const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
  return { ...document, components: { ...document.components, schemas: kept as never } };
}
