import { randomUUID } from 'node:crypto';
import { encodeGraph, type ServiceState } from '@stackyard/planner';
import { noTasks } from '@stackyard/domain';
import { Attempt, Cluster, ConfigVersion, Host, HostComponent, Job, RenderedText, Service, Task } from '../database/entities.ts';
import type { Transaction } from '../engine/ports.ts';
import { snapshotOf } from './clusterState.ts';
import { PlanStaleError } from './errors.ts';
import { titleOf } from './title.ts';
import type { Planned } from './planning.ts';

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
 * @returns the id of the job. @throws PlanStaleError when the cluster moved on since the planning.
 */
export async function applyPlan(tx: Transaction, execution: Execution): Promise<string> {
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
  const cluster = await tx.em.findOneOrFail(Cluster, { id: next.id }, { lockMode: 4 });
  if (cluster.revision !== basis) throw new PlanStaleError({ cluster: cluster.name, basis, revision: cluster.revision });
  const changed = change.services.length + change.joiningHosts.length + change.removedServices.length + change.removedHostComponents.length > 0;
  if (changed) cluster.revision += 1;
  await storeLayout(tx, planned, { createdBy, note });
  if (changed) tx.event('cluster', cluster.id, { kind: 'cluster', change: 'changed', name: cluster.name, revision: cluster.revision });
  return cluster.revision;
}

async function storeLayout(tx: Transaction, planned: Planned, by: { createdBy: string; note: string | undefined }): Promise<void> {
  const { next, change } = planned;
  const now = new Date();
  if (change.joiningHosts.length > 0) await tx.em.nativeUpdate(Host, { id: { $in: [...change.joiningHosts] } }, { clusterId: next.id });
  for (const service of change.services) {
    await storeService(tx, next.id, service, { added: change.addedServices.includes(service.name), now });
    if (change.addedServices.includes(service.name) || change.newConfigVersions.includes(service.name)) {
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
      tx.event('service', next.id, { kind: 'service', serviceId: service.id, name: service.name, change: change.addedServices.includes(service.name) ? 'added' : 'configured' });
    }
    for (const hostComponent of service.hostComponents.filter(({ id }) => change.addedHostComponents.includes(id))) {
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

async function storeService(tx: Transaction, clusterId: string, service: ServiceState, { added, now }: { added: boolean; now: Date }): Promise<void> {
  const changing = { configVersion: service.configVersion, generated: service.generated, nextOrdinals: { ...service.nextOrdinals } };
  if (added) {
    tx.em.create(Service, { id: service.id, clusterId, name: service.name, stackName: service.stack.name, stackVersion: service.stack.version, stackDigest: service.stack.digest, createdAt: now, ...changing });
  } else {
    await tx.em.nativeUpdate(Service, { id: service.id }, changing);
  }
}

async function storeJob(tx: Transaction, planned: Planned, { basis, createdBy }: { basis: number; createdBy: string }): Promise<string> {
  const { plan, next, rendered } = planned;
  const now = new Date();
  const jobId = randomUUID();
  const files = Object.fromEntries([...rendered].map(([id, list]) => [id, Object.fromEntries(list.map(({ path, digest }) => [path, digest]))]));
  const texts = new Map([...rendered.values()].flat().map(({ digest, content }) => [digest, content]));
  await tx.em.upsertMany(
    RenderedText,
    [...texts].map(([digest, content]) => ({ digest, content, createdAt: now })),
    { onConflictAction: 'ignore' },
  );
  const title = titleOf(planned);
  const counts = { ...noTasks, PENDING: plan.tasks.length };
  tx.em.create(Job, {
    id: jobId,
    clusterId: next.id,
    position: await nextPosition(tx),
    command: plan.request.command,
    title,
    request: plan.request,
    state: plan.tasks.length === 0 ? 'SUCCESSFUL' : 'PENDING',
    reason: null,
    cancelRequested: false,
    basis,
    graph: Buffer.from(encodeGraph(plan.graph)),
    snapshot: snapshotOf(planned, files),
    taskCount: plan.tasks.length,
    counts,
    createdBy,
    createdAt: now,
    startedAt: plan.tasks.length === 0 ? now : null,
    finishedAt: plan.tasks.length === 0 ? now : null,
  });
  for (const [node, task] of plan.tasks.entries()) {
    const taskId = randomUUID();
    tx.em.create(Task, {
      id: taskId,
      jobId,
      node,
      clusterId: next.id,
      hostId: task.hostId,
      hostComponentId: task.hostComponentId,
      service: task.service,
      component: task.component,
      phase: task.phase,
      timeoutMs: task.timeoutMs,
      idempotent: task.idempotent,
      deleteData: task.data === 'delete',
      state: 'PENDING',
      reason: null,
      attempts: 1,
      startedAt: null,
      finishedAt: null,
    });
    tx.em.create(Attempt, { id: `${taskId}/1`, taskId, jobId, hostId: task.hostId, number: 1, state: 'PENDING', dispatch: null, reason: null, message: null, envelopeHash: null, epoch: null, sessionNo: null, journalId: null, exitCode: null, signal: null, outputs: null, logSize: 0, issuedAt: null, startedAt: null, finishedAt: null, durationMs: null });
  }
  tx.event('job', next.id, { kind: 'job', jobId, state: plan.tasks.length === 0 ? 'SUCCESSFUL' : 'PENDING', counts, title });
  return jobId;
}

/** The tail of the queue. The cluster's row is locked, so positions grow in commit order within a cluster. */
async function nextPosition(tx: Transaction): Promise<number> {
  const [last] = await tx.em.find(Job, {}, { orderBy: { position: 'desc' }, fields: ['position'], limit: 1 });
  return (last?.position ?? 0) + 1;
}
