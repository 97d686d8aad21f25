import { randomUUID } from 'node:crypto';
import type { ServiceState } from '@stackyard/planner';
import type { EventPayload, EventTopic } from '../engine/ports.ts';
import type { Planned } from './planning.ts';
import type { StoredRows } from './storedRows.ts';

/** An event of a command's commit. */
export interface Said {
  readonly topic: EventTopic;
  readonly clusterId: string;
  readonly payload: EventPayload;
}

/** What a command changes in layout and configs. */
export interface Changes {
  /** The cluster's after it. */
  readonly revision: number;
  readonly rows: StoredRows;
  readonly events: readonly Said[];
}

/** @param planned at the cluster's revision `basis` */
export function changesOf(
  planned: Planned,
  { basis, ...by }: { readonly basis: number; readonly createdBy: string; readonly note?: string | undefined },
): Changes {
  const { next, change } = planned;
  const changed =
    change.services.length +
      change.joiningHosts.length +
      change.removedServices.length +
      change.removedHostComponents.length >
    0;
  if (!changed) return { revision: basis, rows: {}, events: [] };
  const revision = basis + 1;
  const now = new Date();
  const added = new Set(change.addedServices);
  const services = change.services.map((service) => ({ ...serviceRow(service), createdAt: now }));
  const gone = leavingWithoutTask(planned);
  const changeOf = (name: string) =>
    added.has(name) ? 'added' : change.upgrade?.service === name ? 'upgraded' : 'configured';
  const event = (topic: EventTopic, payload: EventPayload): Said => ({ topic, clusterId: next.id, payload });
  return {
    revision,
    rows: {
      revisions: [{ revision }],
      joiningHosts: change.joiningHosts.map((id) => ({ id })),
      addedServices: services.filter(({ name }) => added.has(name)),
      changedServices: services.filter(({ name }) => !added.has(name)),
      removedServices: gone.services.map(({ id }) => ({ id })),
      configVersions: versioned(planned).map((service) => configVersionRow(service, by, now)),
      addedHostComponents: addedHostComponentRows(planned, now),
      removedHostComponents: gone.hostComponents.map((id) => ({ id })),
      leavingHostComponents: [...change.leaving].map(([id, leaving]) => ({ id, leaving: leaving ?? null })),
    },
    events: [
      ...versioned(planned).map(({ id: serviceId, name }) =>
        event('service', { kind: 'service', serviceId, name, change: changeOf(name) }),
      ),
      ...gone.services.map(({ id: serviceId, name }) =>
        event('service', { kind: 'service', serviceId, name, change: 'removed' }),
      ),
      event('cluster', { kind: 'cluster', change: 'changed', name: next.name, revision }),
    ],
  };
}

/** Services of which a config version is saved. */
function versioned({ change }: Planned): readonly ServiceState[] {
  const saved = new Set([...change.addedServices, ...change.newConfigVersions]);
  return change.services.filter(({ name }) => saved.has(name));
}

function serviceRow({ id, name, stack, configVersion, generated, laidAside, nextOrdinals }: ServiceState) {
  const { name: stackName, version: stackVersion, digest: stackDigest } = stack;
  return { id, name, stackName, stackVersion, stackDigest, configVersion, generated, laidAside, nextOrdinals };
}

function configVersionRow(
  { id: serviceId, configVersion: version, values, overrides, stack: { version: stackVersion } }: ServiceState,
  { createdBy, note }: { readonly createdBy: string; readonly note?: string | undefined },
  createdAt: Date,
) {
  return { id: randomUUID(), serviceId, version, values, overrides, stackVersion, note, createdBy, createdAt };
}

function addedHostComponentRows({ change }: Planned, createdAt: Date) {
  const added = new Set(change.addedHostComponents);
  return change.services.flatMap(({ id: serviceId, name: service, hostComponents }) =>
    hostComponents
      .filter(({ id }) => added.has(id))
      .map(({ id, component, hostId, ordinal }) => ({ id, serviceId, service, component, hostId, ordinal, createdAt })),
  );
}

/** Host components of a lost host, and services without any: no agent will report them gone. */
function leavingWithoutTask({ plan, change, state }: Planned) {
  const withTask = new Set(plan.tasks.map(({ hostComponentId }) => hostComponentId));
  return {
    hostComponents: change.removedHostComponents.filter((id) => !withTask.has(id)),
    services: state.services.filter(
      ({ name, hostComponents }) =>
        change.removedServices.includes(name) && !hostComponents.some(({ id }) => withTask.has(id)),
    ),
  };
}
