import { randomUUID } from 'node:crypto';
import { type EntityManager, LockMode } from '@mikro-orm/postgresql';
import { NotFoundError } from '../api/errors.ts';
import { Cluster, type ClusterRow, Host, HostComponent, Job, Service, StoredPlan } from '../database/entities.ts';
import type { Transactions } from '../engine/ports.ts';
import { ClusterBusyError, ClusterNotEmptyError, HostInUseError, NameTakenError } from './errors.ts';
import { findCluster, findHost, isUuid } from './lookup.ts';

/** Creating and deleting clusters, and which hosts are in them. */
export class Clusters {
  readonly #transactions: Transactions;

  constructor(parts: { transactions: Transactions }) {
    this.#transactions = parts.transactions;
  }

  /** @throws NameTakenError, NotFoundError for an unknown host, HostInUseError for one in another cluster. */
  async create({
    name,
    title,
    hosts,
  }: {
    name: string;
    title?: string | undefined;
    hosts: readonly string[];
  }): Promise<ClusterRow> {
    return this.#transactions.run(async (tx) => {
      if (await tx.em.findOne(Cluster, { name })) throw new NameTakenError({ what: 'cluster', name });
      const row = tx.em.create(Cluster, {
        id: randomUUID(),
        name,
        title: title ?? null,
        revision: 1,
        createdAt: new Date(),
      });
      await this.#join(tx.em, row, hosts);
      tx.event('cluster', row.id, { kind: 'cluster', change: 'created', name, revision: 1 });
      return row;
    });
  }

  /** Puts hosts into the cluster; those that are in it already stay. */
  async addHosts(cluster: string, hosts: readonly string[]): Promise<ClusterRow> {
    return this.#changed(cluster, async (em, row) => (await this.#join(em, row, hosts)) > 0);
  }

  /** Takes a host without components out of the cluster. */
  async removeHost(cluster: string, host: string): Promise<ClusterRow> {
    return this.#changed(cluster, async (em, row) => {
      const found = await findHost(em, host);
      if (found.clusterId !== row.id)
        throw new HostInUseError({ host: found.name, reason: `is not in the cluster ${row.name}.` });
      const components = await em.find(HostComponent, { hostId: found.id });
      if (components.length > 0) {
        throw new HostInUseError({
          host: found.name,
          reason: `still has ${components.map(({ component }) => component).join(', ')}. Remove ${components.length === 1 ? 'it' : 'them'} first.`,
        });
      }
      found.clusterId = null;
      return true;
    });
  }

  /** Deletes a cluster without services; its hosts become free, its jobs stay as history. */
  async delete(idOrName: string): Promise<void> {
    await this.#transactions.run(async (tx) => {
      const found = await findCluster(tx.em, idOrName);
      const row = await tx.em.findOneOrFail(Cluster, { id: found.id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
      const services = await tx.em.find(Service, { clusterId: row.id });
      if (services.length > 0)
        throw new ClusterNotEmptyError({ cluster: row.name, services: services.map(({ name }) => name) });
      const jobs = await tx.em.count(Job, { clusterId: row.id, state: { $in: ['PENDING', 'RUNNING'] } });
      if (jobs > 0) throw new ClusterBusyError({ cluster: row.name, jobs });
      await tx.em.nativeUpdate(Host, { clusterId: row.id }, { clusterId: null });
      await tx.em.nativeDelete(StoredPlan, { clusterId: row.id });
      tx.em.remove(row);
      tx.event('cluster', undefined, { kind: 'cluster', change: 'deleted', name: row.name, revision: row.revision });
    });
  }

  /** @returns how many came in; those that are in the cluster already stay. */
  async #join(em: EntityManager, cluster: ClusterRow, names: readonly string[]): Promise<number> {
    const rows = await em.find(Host, { $or: [{ name: { $in: [...names] } }, { id: { $in: names.filter(isUuid) } }] });
    const known = new Set(rows.flatMap(({ id, name }) => [id, name]));
    const missing = names.find((name) => !known.has(name));
    if (missing !== undefined) throw new NotFoundError({ what: 'host', name: missing });
    const taken = rows.find(({ clusterId }) => clusterId && clusterId !== cluster.id);
    if (taken) {
      const other = await em.findOne(Cluster, { id: taken.clusterId as string });
      throw new HostInUseError({
        host: taken.name,
        reason: `is in the cluster ${other?.name ?? taken.clusterId}. A host belongs to one cluster; remove it there first.`,
      });
    }
    const coming = rows.filter(({ clusterId }) => clusterId !== cluster.id);
    for (const row of coming) row.clusterId = cluster.id;
    return coming.length;
  }

  /** Raises the revision when the change says that it was one. */
  async #changed(
    idOrName: string,
    change: (em: EntityManager, row: ClusterRow) => Promise<boolean>,
  ): Promise<ClusterRow> {
    return this.#transactions.run(async (tx) => {
      const { id } = await findCluster(tx.em, idOrName);
      const row = await tx.em.findOneOrFail(Cluster, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
      if (!(await change(tx.em, row))) return row;
      row.revision += 1;
      tx.event('cluster', row.id, { kind: 'cluster', change: 'changed', name: row.name, revision: row.revision });
      return row;
    });
  }
}
