import { evaluate, ExpressionError } from '@stackyard/sdk/render';
import { hasPhase } from '../phases.ts';
import { inputsOf } from '../inputs.ts';
import { pointer } from '../problems.ts';
import type { ClusterState, HostComponentState, ServiceState } from '../state.ts';
import type { Draft } from './draft.ts';

interface PortUse {
  readonly service: ServiceState;
  readonly hostComponent: HostComponentState;
  readonly config: string;
  readonly property: string;
}

/**
 * Two properties that would give one port of a host away twice, over all services of the cluster, on hosts that get
 * something new or whose service has new values. One property that several components of a service read is one use;
 * components without a process and port 0 use none.
 */
export function checkPorts(draft: Draft, next: ClusterState): void {
  const hosts = affectedHosts(draft);
  const uses = new Map<string, PortUse>();
  const reported = new Set<string>();
  for (const service of next.services) {
    const ports = listeningPorts(service);
    for (const hostComponent of service.hostComponents) {
      if (!hosts.has(hostComponent.hostId)) continue;
      for (const [config, property] of ports.get(hostComponent.component) ?? []) {
        const port = portOf(draft, next, { service, hostComponent, config, property });
        if (port === undefined || port === 0) continue;
        const use: PortUse = { service, hostComponent, config, property };
        const key = `${hostComponent.hostId} ${port}`;
        const other = uses.get(key);
        if (!other) uses.set(key, use);
        else if (!sameProperty(other, use)) report(draft, reported, { port, other, use });
      }
    }
  }
}

function affectedHosts(draft: Draft): Set<string> {
  const hosts = new Set<string>();
  for (const service of draft.services.values()) {
    const all = draft.newConfigs.has(service.name);
    for (const { id, hostId } of service.hostComponents) if (all || draft.added.has(id)) hosts.add(hostId);
  }
  return hosts;
}

/** By component with a process: the port properties of its configs. */
function listeningPorts({ manifest }: ServiceState): Map<string, (readonly [config: string, property: string])[]> {
  const byConfig = new Map(
    manifest.configs.map((config) => [
      config.name,
      config.properties.filter(({ type }) => type === 'port').map(({ name }) => [config.name, name] as const),
    ]),
  );
  return new Map(
    manifest.components
      .filter((component) => hasPhase(component, 'start'))
      .map(({ name, configs }) => [name, configs.flatMap((config) => byConfig.get(config) ?? [])]),
  );
}

function portOf(draft: Draft, next: ClusterState, use: PortUse): number | undefined {
  const { service, hostComponent, config, property } = use;
  try {
    const inputs = inputsOf(next, service, hostComponent.id);
    if (inputs.values[config]?.[property] === undefined) return undefined;
    const value = evaluate({ property: { config, property } }, { service: service.manifest, inputs });
    return typeof value === 'number' ? value : undefined;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    // Where something else is wrong already, such as a missing service, this only follows from it.
    if (draft.problems.refusals.length === 0) draft.problems.refuse('EXPRESSION', error.message, whereOf(draft, use));
    return undefined;
  }
}

function sameProperty(a: PortUse, b: PortUse): boolean {
  return a.service.name === b.service.name && a.config === b.config && a.property === b.property;
}

interface Conflict {
  readonly port: number;
  readonly other: PortUse;
  readonly use: PortUse;
}

/** One sentence per pair of properties, however many hosts it happens on. */
function report(draft: Draft, reported: Set<string>, { port, other, use }: Conflict): void {
  const [owner, newcomer] = isNew(draft, other) && !isNew(draft, use) ? [use, other] : [other, use];
  const key = `${nameOf(owner)} ${nameOf(newcomer)} ${port}`;
  if (reported.has(key)) return;
  reported.add(key);
  const host = draft.hostOf(use.hostComponent).name;
  const message = `Port ${port} on host ${host} would be used twice: by ${nameOf(owner)} and by ${nameOf(newcomer)}. Set ${nameOf(newcomer)} to another port, or ${nameOf(owner)}.`;
  draft.problems.refuse('PORT_CONFLICT', message, whereOf(draft, newcomer, owner));
}

/** Whether the request brings it: the one that is there already keeps its port. */
function isNew(draft: Draft, { service, hostComponent }: PortUse): boolean {
  return draft.added.has(hostComponent.id) || draft.newConfigs.has(service.name);
}

/** "zoo.cfg/clientPort of zookeeper", as properties are set. */
function nameOf({ service, config, property }: PortUse): string {
  return `${config}/${property} of ${service.name}`;
}

/** Where the request brings the conflict in: the host it adds, or the config it changes. */
function whereOf(draft: Draft, ...uses: readonly PortUse[]): string {
  for (const { hostComponent } of uses) {
    const at = draft.added.get(hostComponent.id);
    if (at !== undefined) return at;
  }
  for (const { service, config, property } of uses) {
    const at = draft.newConfigs.get(service.name);
    if (at !== undefined) return `${at}/config${pointer(config, property)}`;
  }
  return '';
}
