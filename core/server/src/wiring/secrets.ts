import { join } from 'node:path';
import { definePlugin, provide, token } from '@stackyard/kernel';
import { readSecretKey } from '../secrets/key.ts';
import { Seals } from '../secrets/seals.ts';
import { ServerOptions } from './options.ts';
import { Storage } from './storage.ts';

/** What seals and opens the secrets of this installation. Open from its plugin's start on. */
export interface Secrets {
  readonly seals: Seals;
}
export const Secrets = token<Secrets>('server.Secrets');

class KeyedSecrets implements Secrets {
  readonly #options: ServerOptions;
  readonly #storage: Storage;
  #seals: Seals | undefined;

  constructor(options: ServerOptions, storage: Storage) {
    this.#options = options;
    this.#storage = storage;
  }

  get seals(): Seals {
    if (!this.#seals)
      throw new Error(
        'Secrets are used before their plugin has started. Add Secrets to the "needs" of the plugin that uses them.',
      );
    return this.#seals;
  }

  async open(): Promise<void> {
    const file = join(this.#options.dataDir, 'secrets.key');
    this.#seals = new Seals(await readSecretKey(file, () => this.#keepsSecrets()));
  }

  async #keepsSecrets(): Promise<boolean> {
    const { rows } = await this.#storage.db.sql.query(
      `select 1 from config_version where "values"::text like '%\${secret:%' or overrides::text like '%\${secret:%' limit 1`,
    );
    return rows.length > 0;
  }
}
provide(KeyedSecrets, ServerOptions, Storage);

export const secretsPlugin = definePlugin({
  id: 'server.secrets',
  needs: [ServerOptions, Storage],
  register: (plugin) => plugin.provide(Secrets, KeyedSecrets),
  async start(plugin) {
    await (plugin.resolve(Secrets) as KeyedSecrets).open();
  },
});
