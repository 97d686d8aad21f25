import { randomUUID } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Cluster, type ClusterRow, Host, HostComponent, Job, Service, StoredPlan } from '../database/entities.ts';
import type { Transactions } from '../engine/ports.ts';
import { ClusterBusyError, ClusterNotEmptyError, HostInUseError, NameTakenError } from './errors.ts';
import { findCluster, findHost } from './lookup.ts';

/** Creating and deleting clusters, and which hosts are in them. */
export class Clusters {
  readonly #transactions: Transactions;

  constructor(parts: { transactions: Transactions }) {
    this.#transactions = parts.transactions;
  }

  /** @throws NameTakenError, NotFoundError for an unknown host, HostInUseError for one in another cluster. */
  async create({ name, title, hosts }: { name: string; title?: string | undefined; hosts: readonly string[] }): Promise<ClusterRow> {
    return this.#transactions.run(async (tx) => {
      if (await tx.em.findOne(Cluster, { name })) throw new NameTakenError({ what: 'cluster', name });
      const row = tx.em.create(Cluster, { id: randomUUID(), name, title: title ?? null, revision: 1, createdAt: new Date() });
      for (const host of hosts) await this.#join(tx.em, row, host);
      tx.event('cluster', row.id, { kind: 'cluster', change: 'created', name, revision: 1 });
      return row;
    });
  }

  /** Puts hosts into the cluster; those that are in it already stay. */
  async addHosts(cluster: string, hosts: readonly string[]): Promise<ClusterRow> {
    return this.#changed(cluster, async (em, row) => {
      for (const host of hosts) await this.#join(em, row, host);
    });
  }

  /** Takes a host without components out of the cluster. */
  async removeHost(cluster: string, host: string): Promise<ClusterRow> {
    return this.#changed(cluster, async (em, row) => {
      const found = await findHost(em, host);
      if (found.clusterId !== row.id) throw new HostInUseError({ host: found.name, reason: `is not in the cluster ${row.name}.` });
      const components = await em.find(HostComponent, { hostId: found.id });
      if (components.length > 0) {
        throw new HostInUseError({ host: found.name, reason: `still has ${components.map(({ component }) => component).join(', ')}. Remove ${components.length === 1 ? 'it' : 'them'} first.` });
      }
      found.clusterId = null;
    });
  }

  /** Deletes a cluster without services; its hosts become free, its jobs stay as history. */
  async delete(idOrName: string): Promise<void> {
    await this.#transactions.run(async (tx) => {
      const found = await findCluster(tx.em, idOrName);
      const row = await tx.em.findOneOrFail(Cluster, { id: found.id }, { lockMode: 4 });
      const services = await tx.em.find(Service, { clusterId: row.id });
      if (services.length > 0) throw new ClusterNotEmptyError({ cluster: row.name, services: services.map(({ name }) => name) });
      const jobs = await tx.em.count(Job, { clusterId: row.id, state: { $in: ['PENDING', 'RUNNING'] } });
      if (jobs > 0) throw new ClusterBusyError({ cluster: row.name, jobs });
      await tx.em.nativeUpdate(Host, { clusterId: row.id }, { clusterId: null });
      await tx.em.nativeDelete(StoredPlan, { clusterId: row.id });
      tx.em.remove(row);
      tx.event('cluster', undefined, { kind: 'cluster', change: 'deleted', name: row.name, revision: row.revision });
    });
  }

  async #join(em: EntityManager, cluster: ClusterRow, host: string): Promise<void> {
    const row = await findHost(em, host);
    if (row.clusterId === cluster.id) return;
    if (row.clusterId) {
      const other = await em.findOne(Cluster, { id: row.clusterId });
      throw new HostInUseError({ host: row.name, reason: `is in the cluster ${other?.name ?? row.clusterId}. A host belongs to one cluster; remove it there first.` });
    }
    row.clusterId = cluster.id;
  }

  async #changed(idOrName: string, change: (em: EntityManager, row: ClusterRow) => Promise<void>): Promise<ClusterRow> {
    return this.#transactions.run(async (tx) => {
      const { id } = await findCluster(tx.em, idOrName);
      const row = await tx.em.findOneOrFail(Cluster, { id }, { lockMode: 4 });
      await change(tx.em, row);
      row.revision += 1;
      tx.event('cluster', row.id, { kind: 'cluster', change: 'changed', name: row.name, revision: row.revision });
      return row;
    });
  }
}
