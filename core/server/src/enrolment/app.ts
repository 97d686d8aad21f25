import type { Logger } from '@stackyard/kernel';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { RequestRefusedError } from '../identity/errors.ts';
import type { TlsMaterial } from '../identity/serverLeaf.ts';
import { Buckets, type Rate } from './buckets.ts';
import type { Enrolled, Enrolment } from './enrolment.ts';
import type { EnrolmentRoute } from './routes.ts';
import { base64, joinSchema, renewSchema, type JoinBody, type RenewBody } from './schemas.ts';

export interface EnrolmentAppOptions {
  readonly enrolment: Pick<Enrolment, 'join' | 'renew'>;
  /** The server's certificate; its `ca` is what `/ca.pem` answers. */
  readonly tls: { readonly material: TlsMaterial; onRenewed(listener: (material: TlsMaterial) => void): () => void };
  /** `host:port` that agents dial. */
  readonly agentEndpoint: () => string;
  readonly routes?: readonly EnrolmentRoute[];
  readonly log: Logger;
  /** How often an address may ask for certificates; a join that succeeds does not count. */
  readonly rate?: Rate;
}

const BODY_BYTES = 16 * 1024;
const CONNECTIONS = 1_000;
/** A rack that is set up at once stands behind one address. */
const RATE: Rate = { burst: 200, perSecond: 20 };

/** The same whatever the reason is: nothing is to be learnt from it. */
const refusal = { message: 'The server does not let this host in. Ask for a new join token.' };

/**
 * The listener that hosts without a good certificate speak to, by HTTPS and nothing older than TLS 1.3. It gives out the
 * authority's certificate, takes join tokens, and renews what has expired; all else is in `routes`.
 */
export function enrolmentApp(options: EnrolmentAppOptions): FastifyInstance {
  const { tls, enrolment, agentEndpoint, log, routes = [], rate = RATE } = options;
  const buckets = new Buckets(rate);
  const app = Fastify({
    https: { ...listening(tls.material), minVersion: 'TLSv1.3', handshakeTimeout: 10_000 },
    bodyLimit: BODY_BYTES,
    requestTimeout: 15_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: 10_000,
    maxRequestsPerSocket: 1_000,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    routerOptions: { maxParamLength: 100 },
    exposeHeadRoutes: false,
    // An address is that of the connection: whoever asks cannot choose it.
    trustProxy: false,
  }) as unknown as FastifyInstance;
  app.server.maxConnections = CONNECTIONS;
  app.server.headersTimeout = 10_000;
  const forget = tls.onRenewed((material) => {
    (app.server as unknown as { setSecureContext(given: object): void }).setSecureContext({
      ...listening(material),
      minVersion: 'TLSv1.3',
    });
  });
  app.addHook('onClose', async () => forget());
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ message: 'There is nothing here.' }));
  app.setErrorHandler((error: { statusCode?: number } & Error, request, reply) => {
    if (error instanceof RequestRefusedError) return refuse(reply);
    const { statusCode = 500 } = error;
    if (statusCode < 500) return reply.code(statusCode).send({ message: 'The request is not one that is taken here.' });
    log.error({ err: error, route: request.routeOptions.url }, 'A request of a host that wants to join failed');
    return reply.code(503).header('retry-after', '5').send({ message: 'The server cannot do this now. Try again.' });
  });
  const limited = (request: { ip: string }, reply: FastifyReply, next: () => void): void => {
    if (buckets.take(request.ip, performance.now())) next();
    else void reply.code(429).header('retry-after', '5').send({ message: 'Too many requests. Try again later.' });
  };
  const answer = (enrolled: Enrolled | undefined, reply: FastifyReply): unknown =>
    enrolled ? { ...enrolled, server: agentEndpoint() } : refuse(reply);

  app.get('/ca.pem', async (_request, reply) => reply.type('application/x-pem-file').send(tls.material.ca));
  app.post<{ Body: JoinBody }>(
    '/v1/enrol',
    { schema: { body: joinSchema }, onRequest: limited },
    async ({ body: { token, hostName, csr }, ip }, reply) => {
      const enrolled = await enrolment.join({ token, hostName, request: base64(csr) });
      // A good token was given by an operator, once: a whole fleet may join from one address.
      if (enrolled) buckets.giveBack(ip);
      return answer(enrolled, reply);
    },
  );
  app.post<{ Body: RenewBody }>(
    '/v1/renew',
    { schema: { body: renewSchema }, onRequest: limited },
    async ({ body: { certificate, csr, signature } }, reply) =>
      answer(await enrolment.renew({ certificate, request: base64(csr), signature: base64(signature) }), reply),
  );
  for (const { url, get } of routes) {
    app.get<{ Params: Record<string, string> }>(url, async ({ params }, reply) => {
      const found = await get({ params });
      if (!found) return reply.callNotFound();
      return reply
        .code(found.status ?? 200)
        .headers(found.headers)
        .send(found.body);
    });
  }
  return app;
}

function refuse(reply: FastifyReply): FastifyReply {
  return reply.code(403).send(refusal);
}

function listening({ key, cert }: TlsMaterial): { readonly key: string; readonly cert: string } {
  return { key, cert };
}
