import type { ClusterState, HostState } from '@stackyard/planner';
import { defineComponent, defineConfig, defineService, defineStack, p } from '@stackyard/sdk';
import { toManifest } from '@stackyard/sdk/build';
import type { PlanningStacks } from '../../stacks/store.ts';

const conf = defineConfig('demo.properties', {
  dataDir: p.dir('/var/lib/demo').help('Where data lies'),
  threads: p.int(4).min(1).help('How many'),
  memory: p.memory().optional().help('How much'),
});
const lifecycle = { start: () => undefined, stop: () => undefined };
const head = defineComponent('head', {
  title: 'Head',
  category: 'server',
  cardinality: '0-1',
  config: [conf],
  lifecycle,
});
const worker = defineComponent('worker', {
  title: 'Worker',
  category: 'server',
  cardinality: '0+',
  config: [conf],
  lifecycle,
});
const stack = defineStack({
  services: [defineService('demo', { title: 'Demo', version: '1', user: 'demo', components: [head, worker] })],
});

const manifest = toManifest(stack, { name: '@stack/demo', version: '1.0.0', sdk: '0.1.0' });
const DIGEST = 'sha512-demo';

/** What planning asks of the store of stacks. */
export const stacks: PlanningStacks = {
  list: async () => [],
  manifest: async () => manifest,
  templates: async () => ({}),
  revoked: async () => new Map(),
};

export function host(name: string, fields: Partial<HostState> = {}): HostState {
  const facts = { cpus: 4, memory: 8_000_000_000, disk: 100_000_000_000, java: [] };
  return {
    id: `id-${name}`,
    name,
    address: '127.0.0.1',
    bind: '0.0.0.0',
    root: `/srv/${name}`,
    local: false,
    reachable: true,
    privileged: true,
    clusterId: 'c1',
    facts,
    ...fields,
  };
}

/** A cluster of hosts h1, h2 … with nothing on them, and one installed stack. */
export function emptyCluster(hosts: number): ClusterState {
  return {
    id: 'c1',
    name: 'c',
    hosts: Array.from({ length: hosts }, (_, index) => host(`h${index + 1}`)),
    services: [],
    stacks: [{ name: manifest.name, version: manifest.version, digest: DIGEST, services: manifest.services }],
  };
}
