import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Routes } from '@stackyard/contract';
import { Clock, definePlugin, each, LoadedPlugins, Logger, provide, token } from '@stackyard/kernel';
import type { FastifyInstance } from 'fastify';
import { auditTrail } from '../access/audit.ts';
import { DatabaseIdempotencyStore } from '../access/idempotencyStore.ts';
import { authorize } from '../access/permissions.ts';
import { ensureAdminToken, Tokens } from '../access/tokens.ts';
import { buildApp } from '../api/app.ts';
import { API_PREFIX } from '../api/openapi.ts';
import { apiRoutes } from '../api/routes/index.ts';
import type { PluginPicture } from '../api/routes/parts.ts';
import { VERSION } from '../version.ts';
import { Catalogue } from './catalogue.ts';
import { Distribution } from './distribution.ts';
import { EngineParts } from './engine.ts';
import { EnrolmentListener } from './enrolment.ts';
import { ServerIdentity } from './identity.ts';
import { Operations } from './operations.ts';
import { PortTakenError } from './errors.ts';
import { ServerOptions } from './options.ts';
import { RequestSamples } from './stats.ts';
import { Secrets } from './secrets.ts';
import { Storage } from './storage.ts';

const STREAM_HEARTBEAT_MS = 15_000;
const STREAM_RECHECK_MS = 30_000;
/** How long a request may go on when the server stops. */
const DRAIN_MS = 10_000;

/** The HTTP side of the server. */
export interface Http {
  /** http://host:port, without a path. */
  readonly url: string;
  readonly tokenFile: string;
  readonly token: string;
}
export const Http = token<Http>('server.Http');

class FastifyHttp implements Http {
  readonly tokenFile: string;
  readonly #parts: {
    options: ServerOptions;
    storage: Storage;
    catalogue: Catalogue;
    engine: EngineParts;
    identity: ServerIdentity;
    enrolment: EnrolmentListener;
    operations: Operations;
    secrets: Secrets;
    distribution: Distribution;
    samples: RequestSamples;
    log: Logger;
    clock: Clock;
    loaded: LoadedPlugins;
    more: readonly Routes[];
  };
  readonly #inFlight = new Set<Promise<unknown>>();
  #app: FastifyInstance | undefined;
  token = '';
  url = '';

  constructor(
    options: ServerOptions,
    storage: Storage,
    catalogue: Catalogue,
    engine: EngineParts,
    identity: ServerIdentity,
    enrolment: EnrolmentListener,
    operations: Operations,
    secrets: Secrets,
    distribution: Distribution,
    samples: RequestSamples,
    log: Logger,
    clock: Clock,
    loaded: LoadedPlugins,
    more: readonly Routes[],
  ) {
    this.#parts = {
      options,
      storage,
      catalogue,
      engine,
      identity,
      enrolment,
      operations,
      secrets,
      distribution,
      samples,
      log,
      clock,
      loaded,
      more,
    };
    this.tokenFile = join(options.dataDir, 'admin-token');
  }

  async listen(): Promise<void> {
    const {
      options,
      storage,
      catalogue,
      engine,
      identity,
      enrolment,
      operations,
      secrets,
      distribution,
      samples,
      log,
      clock,
      loaded,
      more,
    } = this.#parts;
    const { em, db, writer, installId, epoch } = storage;
    this.token = await ensureAdminToken(em(), this.tokenFile);
    const tokens = new Tokens(em);
    const pictures = picturesOf(options, loaded, more);
    const own = apiRoutes({
      em,
      sql: db.sql,
      engine: engine.engine,
      events: writer,
      logs: engine.logs,
      stacks: catalogue.stacks,
      trust: catalogue.trust,
      ...operations,
      ...distribution,
      identity: identity.identity,
      plugins: () => pictures,
      server: {
        version: VERSION,
        installId,
        epoch,
        startedAt: clock.now(),
        agentEndpoint: () => engine.agentEndpoint,
        enrolmentEndpoint: () => enrolment.endpoint,
      },
    });
    this.#app = await buildApp({
      routes: [...own, ...more.flatMap(({ routes }) => routes)],
      log,
      authenticate: (given) => tokens.authenticate(given),
      authorize,
      idempotency: new DatabaseIdempotencyStore({ em, sql: db.sql }),
      digest: (text) => secrets.seals.digest(text),
      audit: auditTrail(em),
      observe: (sample) => samples.add(sample),
      streamHeartbeatMs: STREAM_HEARTBEAT_MS,
      streamRecheckMs: STREAM_RECHECK_MS,
      inFlight: this.#inFlight,
    });
    const { host, port } = options.http;
    try {
      await this.#app.listen({ host, port });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
        throw new PortTakenError({ host, port, purpose: 'the REST API' }, { cause: error });
      throw error;
    }
    const address = this.#app.server.address() as AddressInfo;
    this.url = `http://${host}:${address.port}`;
  }

  async close(): Promise<void> {
    await this.#app?.close();
    // Their clients are gone, but they still hold connections to the database, which is closed next.
    await Promise.race([Promise.allSettled(this.#inFlight), delay(DRAIN_MS, undefined, { ref: false })]);
  }
}
provide(
  FastifyHttp,
  ServerOptions,
  Storage,
  Catalogue,
  EngineParts,
  ServerIdentity,
  EnrolmentListener,
  Operations,
  Secrets,
  Distribution,
  RequestSamples,
  Logger,
  Clock,
  LoadedPlugins,
  each(Routes),
);

/** The platform plugins; the server's own parts are no plugins to who runs it. */
function picturesOf(
  { plugins, pluginPackages = {} }: ServerOptions,
  loaded: LoadedPlugins,
  routes: readonly Routes[],
): readonly PluginPicture[] {
  const owners = loaded.contributorsOf(Routes);
  const own = new Set(plugins.map(({ id }) => id));
  return loaded
    .list()
    .filter(({ id }) => own.has(id))
    .map((plugin) => {
      const { name = null, version = null, folder = null } = pluginPackages[plugin.id] ?? {};
      const operations = routes
        .filter((_, at) => owners[at] === plugin.id)
        .flatMap((each) => each.routes)
        .map(({ method, url, root }) => `${method} ${root ? '' : API_PREFIX}${url}`);
      return { ...plugin, package: name, version, folder, operations };
    });
}

export const apiPlugin = definePlugin({
  id: 'server.api',
  needs: [
    ServerOptions,
    Storage,
    Catalogue,
    EngineParts,
    ServerIdentity,
    EnrolmentListener,
    Operations,
    Secrets,
    Distribution,
    RequestSamples,
    Logger,
    Clock,
    LoadedPlugins,
    each(Routes),
  ],
  register: (plugin) => plugin.provide(Http, FastifyHttp),
  async start(plugin) {
    const http = plugin.resolve(Http) as FastifyHttp;
    try {
      await http.listen();
    } catch (error) {
      await http.close();
      throw error;
    }
    return () => http.close();
  },
});
