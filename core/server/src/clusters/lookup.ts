import type { EntityManager } from '@mikro-orm/postgresql';
import { NotFoundError } from '../api/errors.ts';
import { Cluster, type ClusterRow, Host, type HostRow, Service, type ServiceRow } from '../database/entities.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** By id or by name: a name never looks like an id. @throws NotFoundError */
export async function findCluster(em: EntityManager, idOrName: string): Promise<ClusterRow> {
  const row = await em.findOne(Cluster, isUuid(idOrName) ? { id: idOrName } : { name: idOrName });
  if (!row) throw new NotFoundError({ what: 'cluster', name: idOrName });
  return row;
}

/** Only the id, without the price of a managed row: every request of a cluster asks. @throws NotFoundError */
export async function clusterIdOf(em: EntityManager, idOrName: string): Promise<string> {
  const [row] = await em.execute<{ id: string }[]>(
    `select id from cluster where ${isUuid(idOrName) ? 'id' : 'name'} = ?`,
    [idOrName],
  );
  if (!row) throw new NotFoundError({ what: 'cluster', name: idOrName });
  return row.id;
}

/** By id or by name. @throws NotFoundError */
export async function findHost(em: EntityManager, idOrName: string): Promise<HostRow> {
  const row = await em.findOne(Host, isUuid(idOrName) ? { id: idOrName } : { name: idOrName });
  if (!row) throw new NotFoundError({ what: 'host', name: idOrName });
  return row;
}

/** @throws NotFoundError */
export async function findService(em: EntityManager, cluster: ClusterRow, name: string): Promise<ServiceRow> {
  const row = await em.findOne(Service, { clusterId: cluster.id, name });
  if (!row) throw new NotFoundError({ what: 'service', name: `${name} in cluster ${cluster.name}` });
  return row;
}
