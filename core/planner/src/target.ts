import type { Target } from './command.ts';
import { pointer, type Problems } from './problems.ts';
import { suggestion } from './sentences.ts';
import type { ClusterState, HostComponentState } from './state.ts';

/** The host components that a target names. Names that mean nothing are reported, if there is somewhere to. */
export function select(state: ClusterState, target: Target, problems?: Problems): HostComponentState[] {
  const hosts = selectedHosts(state, target, problems);
  if (problems) checkNames(state, target, problems);
  const selected = state.services
    .filter(({ name }) => target.service === undefined || name === target.service)
    .flatMap(({ hostComponents }) => hostComponents)
    .filter(({ component }) => target.component === undefined || component === target.component)
    .filter(({ hostId }) => hosts === undefined || hosts.has(hostId));
  if (problems && selected.length === 0 && problems.refusals.length === 0) {
    const message =
      state.services.length === 0
        ? `Cluster ${state.name} has no service yet. Add one first.`
        : `Nothing in cluster ${state.name} matches ${describe(target)}. Name a service, component and hosts that go together.`;
    problems.refuse('NOTHING_SELECTED', message, '/target');
  }
  return selected;
}

function selectedHosts(state: ClusterState, target: Target, problems?: Problems): Set<string> | undefined {
  if (!target.hosts) return undefined;
  const byName = new Map(state.hosts.map((host) => [host.name, host]));
  const ids = new Set<string>();
  for (const [index, name] of target.hosts.entries()) {
    const host = byName.get(name);
    const at = pointer('target', 'hosts', index);
    if (!host) {
      problems?.refuse('HOST_UNKNOWN', `There is no host ${name}${suggestion(name, [...byName.keys()])}`, at);
    } else if (host.clusterId !== state.id) {
      problems?.refuse(
        'HOST_NOT_IN_CLUSTER',
        `Host ${name} does not belong to cluster ${state.name}. Leave it out.`,
        at,
      );
    } else if (ids.has(host.id)) {
      problems?.refuse('HOST_TWICE', `Host ${name} is named twice. Name it once.`, at);
    } else ids.add(host.id);
  }
  return ids;
}

function checkNames(state: ClusterState, target: Target, problems: Problems): void {
  const services = state.services.map(({ name }) => name);
  const service = state.services.find(({ name }) => name === target.service);
  if (target.service !== undefined && !service) {
    const hint = suggestion(target.service, services);
    const message = `Cluster ${state.name} has no service ${target.service}${hint}`;
    problems.refuse('SERVICE_UNKNOWN', message, '/target/service');
    return;
  }
  if (target.component === undefined) return;
  const searched = service ? [service] : state.services;
  const owners = searched.filter(({ manifest }) => manifest.components.some(({ name }) => name === target.component));
  if (owners.length === 0) {
    const known = searched.flatMap(({ manifest }) => manifest.components.map(({ name }) => name));
    const where = service ? `Service ${service.name}` : `Cluster ${state.name}`;
    const message = `${where} has no component ${target.component}${suggestion(target.component, known)}`;
    problems.refuse('COMPONENT_UNKNOWN', message, '/target/component');
  } else if (owners.length > 1) {
    const names = owners.map(({ name }) => name).join(' and ');
    const message = `Component ${target.component} is part of ${names}. Name the service as well.`;
    problems.refuse('COMPONENT_AMBIGUOUS', message, '/target/service');
  }
}

function describe({ service, component, hosts }: Target): string {
  const parts = [
    service === undefined ? [] : `service ${service}`,
    component === undefined ? [] : `component ${component}`,
    hosts === undefined ? [] : `hosts ${hosts.join(', ')}`,
  ].flat();
  return parts.length === 0 ? 'an empty target' : parts.join(', ');
}
