import type { Kept, Records } from '@stackyard/contract';
import type { EntityManager } from '@mikro-orm/postgresql';
import { PluginRecord } from '../database/entities.ts';
import type { Transactions } from '../engine/ports.ts';

/** What plugins keep, as rows. */
export class DatabaseRecords implements Records {
  readonly #em: () => EntityManager;
  readonly #transactions: () => Transactions;

  constructor(em: () => EntityManager, transactions: () => Transactions) {
    this.#em = em;
    this.#transactions = transactions;
  }

  async get<T extends object>(collection: string, key: string): Promise<T | undefined> {
    return (await this.#em().findOne(PluginRecord, { collection, key }))?.value as T | undefined;
  }

  async put(collection: string, key: string, value: object): Promise<void> {
    await this.#transactions().run(async ({ em }) => {
      await em.upsert(PluginRecord, { collection, key, value, updatedAt: new Date() });
    });
  }

  async delete(collection: string, key: string): Promise<boolean> {
    return this.#transactions().run(async ({ em }) => (await em.nativeDelete(PluginRecord, { collection, key })) > 0);
  }

  async list<T extends object>(
    collection: string,
    { limit, before }: { readonly limit: number; readonly before?: string | undefined },
  ): Promise<readonly Kept<T>[]> {
    const where = { collection, ...(before === undefined ? {} : { key: { $lt: before } }) };
    const rows = await this.#em().find(PluginRecord, where, { orderBy: { key: 'desc' }, limit });
    return rows.map(({ key, value }) => ({ key, value: value as T }));
  }
}
