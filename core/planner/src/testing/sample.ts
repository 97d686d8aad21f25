import type { ComponentManifest, ConfigManifest, PropertyManifest, ServiceManifest } from '@stackyard/sdk/manifest';
import { renderComponent } from '@stackyard/sdk/render';
import type { CommandRequest } from '../command.ts';
import { inputsOf } from '../inputs.ts';
import type { LayoutResult } from '../layout/draft.ts';
import { layout } from '../layout/layout.ts';
import type { Plan } from '../plan.ts';
import { type RenderedDigest, stale } from '../stale.ts';
import type { ClusterState, HostComponentState, HostState, ServiceState } from '../state.ts';
import { plan } from '../tasks/plan.ts';
import { isBehind } from '../versions.ts';

/** Manifests and clusters for the tests of this package, small enough to be read in a test. */

export function component(name: string, fields: Partial<ComponentManifest> = {}): ComponentManifest {
  return {
    name,
    title: name,
    category: 'server',
    cardinality: '1+',
    configs: [],
    files: [],
    dirs: [],
    process: {
      program: { literal: 'java' },
      args: [],
      env: {},
      ready: { kind: 'process' },
      readyMs: 60_000,
      stopMs: 30_000,
    },
    lifecycle: ['check'],
    after: [],
    rolling: false,
    timeouts: {},
    idempotent: {},
    health: {},
    links: {},
    ...fields,
  };
}

/** A component without a process. */
export function client(name: string, fields: Partial<ComponentManifest> = {}): ComponentManifest {
  const { process: _, ...rest } = component(name, { category: 'client', cardinality: '0+', lifecycle: [] });
  return { ...rest, ...fields };
}

export function property(
  name: string,
  type: PropertyManifest['type'],
  fields: Partial<PropertyManifest> = {},
): PropertyManifest {
  return { name, type, help: name, effect: 'restart', ...fields };
}

export function config(name: string, properties: PropertyManifest[], fields: Partial<ConfigManifest> = {}) {
  return { name, format: 'properties', file: true, properties, effect: 'rolling', ...fields } satisfies ConfigManifest;
}

export function service(name: string, fields: Partial<ServiceManifest> = {}): ServiceManifest {
  return {
    name,
    title: name,
    version: '1.0.0',
    user: 'nobody',
    packages: [],
    requires: { services: [] },
    configs: [],
    components: [component(`${name}_server`)],
    exports: {},
    ...fields,
  };
}

/** An ensemble with a client, in the shape of ZooKeeper. */
export const zookeeper = service('zookeeper', {
  title: 'ZooKeeper',
  version: '3.9.4',
  requires: { jdk: '>=11', services: [] },
  configs: [
    config('zoo.cfg', [
      property('clientPort', 'port', { default: { literal: 2181 }, effect: 'rolling' }),
      property('tickTime', 'int', { default: { literal: 3000 }, min: 100, effect: 'rolling' }),
      property('servers', 'text', {
        default: { hostPorts: { component: 'zookeeper_server', port: { config: 'zoo.cfg', property: 'clientPort' } } },
      }),
      property('note', 'text', { default: { literal: '' }, effect: 'none' }),
      property('dataDir', 'dir', { default: { literal: '/var/lib/zookeeper' }, effect: 'pinned' }),
    ]),
  ],
  components: [
    component('zookeeper_server', { prefer: 'odd', configs: ['zoo.cfg'], rolling: true }),
    client('zookeeper_client', { configs: ['zoo.cfg'] }),
  ],
  exports: {
    connect: { hostPorts: { component: 'zookeeper_server', port: { config: 'zoo.cfg', property: 'clientPort' } } },
  },
});

export function host(name: string, fields: Partial<HostState> = {}): HostState {
  const java = [{ home: '/usr/lib/jvm/java-17', version: '17.0.15' }];
  return {
    id: `h-${name}`,
    name,
    address: `10.0.0.${name}`,
    bind: '0.0.0.0',
    root: '/',
    local: false,
    reachable: true,
    privileged: true,
    facts: { cpus: 4, memory: 16 * 1024 ** 3, disk: 10 ** 12, java },
    ...fields,
  };
}

export interface SampleCluster {
  readonly hosts?: readonly (string | HostState)[];
  readonly manifests?: readonly ServiceManifest[];
}

/** An empty cluster with its hosts in it, and one stack that offers the manifests. */
export function cluster({ hosts = ['zk1', 'zk2', 'zk3'], manifests = [zookeeper] }: SampleCluster = {}): ClusterState {
  return {
    id: 'c1',
    name: 'demo',
    hosts: hosts.map((it) => (typeof it === 'string' ? host(it, { clusterId: 'c1' }) : it)),
    services: [],
    stacks: [{ name: '@stack/sample', version: '1.0.0', digest: 'sha512-x', services: manifests }],
  };
}

/** Ids that read well: id1, id2, … */
export function ids(): () => string {
  let last = 0;
  return () => `id${++last}`;
}

/** A cluster that commands are run on: each one succeeds as a whole, at once. */
export class Sample {
  state: ClusterState;
  readonly newId = ids();
  /** Is shown what the layout makes of each command. */
  seen: (laidOut: LayoutResult) => void = () => undefined;

  constructor(state: ClusterState = cluster()) {
    this.state = state;
  }

  /** The plan of a command, the state untouched. */
  plan(request: CommandRequest): Plan {
    return this.#planned(request).plan;
  }

  /** Plans a command and makes the state what it is after it. */
  run(request: CommandRequest): Plan {
    const { plan, next } = this.#planned(request);
    this.state = afterwards(next, plan);
    return plan;
  }

  change(hostComponents: (it: HostComponentState) => HostComponentState): void {
    const services = this.state.services.map((it) => ({
      ...it,
      hostComponents: it.hostComponents.map(hostComponents),
    }));
    this.state = { ...this.state, services };
  }

  hostComponents(): HostComponentState[] {
    return this.state.services.flatMap(({ hostComponents }) => hostComponents);
  }

  hostNames(): Map<string, string> {
    return new Map(this.state.hosts.map(({ id, name }) => [id, name]));
  }

  #planned(request: CommandRequest): { plan: Plan; next: ClusterState } {
    const laidOut = layout(this.state, request, { newId: this.newId });
    this.seen(laidOut);
    const files = renderAll(laidOut.next, laidOut.change.upgrade?.service);
    const found = stale(this.state, laidOut.next, files);
    return { plan: plan(this.state, laidOut, found, request), next: laidOut.next };
  }
}

/** What every host component would get on its host. */
export function renderAll(state: ClusterState, upgrading?: string): Map<string, readonly RenderedDigest[]> {
  return new Map(
    state.services.flatMap((it) =>
      it.hostComponents
        .filter((member) => !isBehind(it, member) || it.name === upgrading)
        .map((member) => [member.id, rendered(state, it, member)] as const),
    ),
  );
}

function rendered(state: ClusterState, { manifest, ...rest }: ServiceState, { id, component }: HostComponentState) {
  const found = manifest.components.find(({ name }) => name === component)!;
  const inputs = inputsOf(state, { manifest, ...rest }, id);
  return renderComponent({ service: manifest, component: found, templates: {}, inputs });
}

function afterwards(next: ClusterState, { tasks, drains }: Plan): ClusterState {
  const moved = new Set(Object.values(drains).flat());
  const phases = new Map<string, string[]>();
  for (const { hostComponentId, phase } of tasks) {
    phases.set(hostComponentId, [...(phases.get(hostComponentId) ?? []), phase]);
  }
  const services = next.services.map((it) => ({
    ...it,
    hostComponents: it.hostComponents
      .map((member) => applied(next, it, member, phases.get(member.id) ?? []))
      .map((member) => (moved.has(member.id) ? arrived(member) : member)),
  }));
  return { ...next, services };
}

function arrived({ leaving, ...member }: HostComponentState): HostComponentState {
  return leaving === 'DRAINING' ? { ...member, leaving: 'DRAINED' } : member;
}

function applied(
  next: ClusterState,
  owner: ServiceState,
  member: HostComponentState,
  phases: readonly string[],
): HostComponentState {
  const last = phases.findLast((phase) => phase === 'install' || phase === 'start' || phase === 'stop');
  const states = {
    install: { desired: 'INSTALLED', observed: 'STOPPED' },
    start: { desired: 'RUNNING', observed: 'RUNNING' },
    stop: { desired: 'INSTALLED', observed: 'STOPPED' },
  } as const;
  const once = phases.filter((phase) => phase === 'init' || phase === 'prepare');
  return {
    ...member,
    ...(last === undefined ? {} : states[last]),
    once: [...member.once, ...once],
    ...(phases.includes('configure') || phases.includes('install') ? { stackDigest: owner.stack.digest } : {}),
    ...(phases.includes('configure')
      ? {
          configVersion: owner.configVersion,
          applied: Object.fromEntries(rendered(next, owner, member).map(({ path, digest }) => [path, digest])),
          appliedValues: inputsOf(next, owner, member.id).values,
        }
      : {}),
  };
}
