import { join } from 'node:path';
import { Clock, definePlugin, Logger, provide, token } from '@stackyard/kernel';
import { Identity } from '../identity/identity.ts';
import { ServerOptions } from './options.ts';
import { Storage } from './storage.ts';

/** The authority of this installation and the certificates it has given. Open from its plugin's start on. */
export interface ServerIdentity {
  readonly identity: Identity;
}
export const ServerIdentity = token<ServerIdentity>('server.Identity');

class StoredIdentity implements ServerIdentity {
  readonly #options: ServerOptions;
  readonly #storage: Storage;
  readonly #log: Logger;
  readonly #clock: Clock;
  #identity: Identity | undefined;

  constructor(options: ServerOptions, storage: Storage, log: Logger, clock: Clock) {
    this.#options = options;
    this.#storage = storage;
    this.#log = log;
    this.#clock = clock;
  }

  get identity(): Identity {
    if (!this.#identity)
      throw new Error(
        'The identity is used before its plugin has started. Add ServerIdentity to the "needs" of the plugin that uses it.',
      );
    return this.#identity;
  }

  async open(): Promise<void> {
    const { dataDir, identity: { advertisedHost, names = [], certificateLifeMs } = {} } = this.#options;
    const { installId, db } = this.#storage;
    this.#identity = await Identity.open({
      dir: join(dataDir, 'identity'),
      installId,
      sql: db.sql,
      clock: this.#clock,
      log: this.#log,
      names: [...names, ...(advertisedHost === undefined ? [] : [advertisedHost])],
      ...(certificateLifeMs === undefined ? {} : { certificateLifeMs }),
    });
  }

  close(): void {
    this.#identity?.close();
  }
}
provide(StoredIdentity, ServerOptions, Storage, Logger, Clock);

export const identityPlugin = definePlugin({
  id: 'server.identity',
  needs: [ServerOptions, Storage, Logger, Clock],
  register: (plugin) => plugin.provide(ServerIdentity, StoredIdentity),
  async start(plugin) {
    const identity = plugin.resolve(ServerIdentity) as StoredIdentity;
    await identity.open();
    return () => identity.close();
  },
});
