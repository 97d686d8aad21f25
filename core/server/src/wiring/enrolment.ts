import type { AddressInfo } from 'node:net';
import { Clock, definePlugin, each, Logger, provide, token } from '@stackyard/kernel';
import type { FastifyInstance } from 'fastify';
import { enrolmentApp } from '../enrolment/app.ts';
import { Enrolment } from '../enrolment/enrolment.ts';
import { EnrolmentRoutes } from '../enrolment/routes.ts';
import { endpoint } from './endpoint.ts';
import { EngineParts } from './engine.ts';
import { PortTakenError } from './errors.ts';
import { ServerIdentity } from './identity.ts';
import { ServerOptions } from './options.ts';
import { Storage } from './storage.ts';

/** Where hosts join. */
export interface EnrolmentListener {
  /** host:port that hosts dial to join, by HTTPS. */
  readonly endpoint: string;
}
export const EnrolmentListener = token<EnrolmentListener>('server.Enrolment');

class HttpsEnrolment implements EnrolmentListener {
  readonly #parts: {
    options: ServerOptions;
    storage: Storage;
    identity: ServerIdentity;
    engine: EngineParts;
    log: Logger;
    clock: Clock;
    more: readonly EnrolmentRoutes[];
  };
  #app: FastifyInstance | undefined;
  #port: number | undefined;

  constructor(
    options: ServerOptions,
    storage: Storage,
    identity: ServerIdentity,
    engine: EngineParts,
    log: Logger,
    clock: Clock,
    more: readonly EnrolmentRoutes[],
  ) {
    this.#parts = { options, storage, identity, engine, log, clock, more };
  }

  get endpoint(): string {
    const { options } = this.#parts;
    return endpoint(options, { host: options.enrolment.host, port: this.#port ?? options.enrolment.port });
  }

  async listen(): Promise<void> {
    const { options, storage, identity, engine, log, clock, more } = this.#parts;
    this.#app = enrolmentApp({
      enrolment: new Enrolment({
        sql: storage.db.sql,
        transactions: storage.writer,
        identity: identity.identity,
        clock,
        onJoined: (hostId) => engine.engine.rejoined(hostId),
      }),
      tls: identity.identity.leaf,
      agentEndpoint: () => engine.agentEndpoint,
      routes: more.flatMap(({ routes }) => routes),
      log,
    });
    const { host, port } = options.enrolment;
    try {
      await this.#app.listen({ host, port });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
        throw new PortTakenError({ host, port, purpose: 'the port where hosts join' }, { cause: error });
      throw error;
    }
    this.#port = (this.#app.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    await this.#app?.close();
  }
}
provide(HttpsEnrolment, ServerOptions, Storage, ServerIdentity, EngineParts, Logger, Clock, each(EnrolmentRoutes));

export const enrolmentPlugin = definePlugin({
  id: 'server.enrolment',
  needs: [ServerOptions, Storage, ServerIdentity, EngineParts, Logger, Clock, each(EnrolmentRoutes)],
  register: (plugin) => plugin.provide(EnrolmentListener, HttpsEnrolment),
  async start(plugin) {
    const listener = plugin.resolve(EnrolmentListener) as HttpsEnrolment;
    try {
      await listener.listen();
    } catch (error) {
      await listener.close();
      throw error;
    }
    return () => listener.close();
  },
});
