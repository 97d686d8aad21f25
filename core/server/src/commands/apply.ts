import { randomUUID } from 'node:crypto';
import type { ServiceState } from '@stackyard/planner';
import { Cluster, ConfigVersion, Host, HostComponent, Service } from '../database/entities.ts';
import type { Transaction } from '../engine/ports.ts';
import { PlanStaleError } from './errors.ts';
import type { Planned } from './planning.ts';
import { type NewJob, storeJob } from './storeJob.ts';

export interface Execution {
  readonly planned: Planned;
  /** The cluster's revision the planning saw. */
  readonly basis: number;
  readonly createdBy: string;
  readonly note?: string | undefined;
}

/**
 * Stores what a command changes and the job that carries it out, in the transaction it is given: either all of it is
 * there afterwards, or nothing.
 *
 * @throws PlanStaleError when the cluster moved on since the planning.
 */
export async function applyPlan(tx: Transaction, execution: Execution): Promise<NewJob> {
  const revision = await applyChange(tx, execution);
  return storeJob(tx, execution.planned, { basis: revision, createdBy: execution.createdBy });
}

/**
 * Stores what a command changes in layout and configs, without a job.
 *
 * @returns the cluster's revision after it. @throws PlanStaleError when the cluster moved on since the planning.
 */
export async function applyChange(tx: Transaction, { planned, basis, createdBy, note }: Execution): Promise<number> {
  const { next, change } = planned;
  const [locked] = await tx.em.execute<{ revision: number }[]>('select revision from cluster where id = ? for update', [
    next.id,
  ]);
  if (locked?.revision !== basis)
    throw new PlanStaleError({ cluster: next.name, basis, revision: locked?.revision ?? 0 });
  const changed =
    change.services.length +
      change.joiningHosts.length +
      change.removedServices.length +
      change.removedHostComponents.length >
    0;
  const revision = changed ? basis + 1 : basis;
  if (changed) await tx.em.nativeUpdate(Cluster, { id: next.id }, { revision });
  await storeLayout(tx, planned, { createdBy, note });
  if (changed) tx.event('cluster', next.id, { kind: 'cluster', change: 'changed', name: next.name, revision });
  return revision;
}

async function storeLayout(
  tx: Transaction,
  planned: Planned,
  by: { createdBy: string; note: string | undefined },
): Promise<void> {
  const { next, change } = planned;
  const now = new Date();
  const [addedServices, addedHostComponents, newVersions] = [
    new Set(change.addedServices),
    new Set(change.addedHostComponents),
    new Set(change.newConfigVersions),
  ];
  if (change.joiningHosts.length > 0)
    await tx.em.nativeUpdate(Host, { id: { $in: [...change.joiningHosts] } }, { clusterId: next.id });
  for (const service of change.services) {
    await storeService(tx, next.id, service, { added: addedServices.has(service.name), now });
    if (addedServices.has(service.name) || newVersions.has(service.name)) {
      tx.em.create(ConfigVersion, {
        id: randomUUID(),
        serviceId: service.id,
        version: service.configVersion,
        values: service.values,
        overrides: { ...service.overrides },
        note: by.note ?? null,
        createdBy: by.createdBy,
        createdAt: now,
      });
      tx.event('service', next.id, {
        kind: 'service',
        serviceId: service.id,
        name: service.name,
        change: addedServices.has(service.name) ? 'added' : 'configured',
      });
    }
    for (const hostComponent of service.hostComponents.filter(({ id }) => addedHostComponents.has(id))) {
      tx.em.create(HostComponent, {
        id: hostComponent.id,
        clusterId: next.id,
        serviceId: service.id,
        service: service.name,
        component: hostComponent.component,
        hostId: hostComponent.hostId,
        ordinal: hostComponent.ordinal,
        desired: 'ABSENT',
        observed: 'UNKNOWN',
        observedAt: null,
        observedMessage: null,
        role: null,
        restarts: 0,
        pid: null,
        applied: null,
        appliedValues: null,
        configVersion: null,
        once: [],
        createdAt: now,
      });
    }
  }
  await dropWhatNoTaskRemoves(tx, planned);
}

/** Host components of a lost host, and services without any: no agent will report them gone. */
async function dropWhatNoTaskRemoves(tx: Transaction, { plan, change, state }: Planned): Promise<void> {
  const withTask = new Set(plan.tasks.map(({ hostComponentId }) => hostComponentId));
  const orphans = change.removedHostComponents.filter((id) => !withTask.has(id));
  if (orphans.length > 0) await tx.em.nativeDelete(HostComponent, { id: { $in: orphans } });
  for (const service of state.services.filter(({ name }) => change.removedServices.includes(name))) {
    if (service.hostComponents.some(({ id }) => withTask.has(id))) continue;
    await tx.em.nativeDelete(ConfigVersion, { serviceId: service.id });
    await tx.em.nativeDelete(Service, { id: service.id });
    tx.event('service', state.id, { kind: 'service', serviceId: service.id, name: service.name, change: 'removed' });
  }
}

async function storeService(
  tx: Transaction,
  clusterId: string,
  service: ServiceState,
  { added, now }: { added: boolean; now: Date },
): Promise<void> {
  const changing = {
    configVersion: service.configVersion,
    generated: service.generated,
    nextOrdinals: { ...service.nextOrdinals },
  };
  if (added) {
    tx.em.create(Service, {
      id: service.id,
      clusterId,
      name: service.name,
      stackName: service.stack.name,
      stackVersion: service.stack.version,
      stackDigest: service.stack.digest,
      createdAt: now,
      ...changing,
    });
  } else {
    await tx.em.nativeUpdate(Service, { id: service.id }, changing);
  }
}
