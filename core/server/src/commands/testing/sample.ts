import type { ClusterState, HostState } from '@stackyard/planner';
import { defineComponent, defineConfig, defineService, defineStack, p } from '@stackyard/sdk';
import { toManifest } from '@stackyard/sdk/build';
import type { StackManifest } from '@stackyard/sdk/manifest';
import type { PlanningStacks } from '../../stacks/store.ts';

/** A version of the stack: what it is called, the version of the service, and what differs in its config. */
function demo(
  version: string,
  service: { readonly version: string; readonly upgrade?: { readonly from: string; readonly backTo: string } },
  differing: Parameters<typeof defineConfig>[1],
): StackManifest {
  const config = [
    defineConfig('demo.properties', { dataDir: p.dir('/var/lib/demo').help('Where data lies'), ...differing }),
  ];
  const lifecycle = { start: () => undefined, stop: () => undefined };
  const head = defineComponent('head', { title: 'Head', category: 'server', cardinality: '0-1', config, lifecycle });
  const worker = defineComponent('worker', {
    title: 'Worker',
    category: 'server',
    cardinality: '0+',
    config,
    lifecycle,
  });
  const of = defineService('demo', { title: 'Demo', user: 'demo', components: [head, worker], ...service });
  return toManifest(defineStack({ services: [of] }), { name: '@stack/demo', version, sdk: '0.1.0' });
}

const manifest = demo(
  '1.0.0',
  { version: '1' },
  { threads: p.int(4).min(1).help('How many'), memory: p.memory().optional().help('How much') },
);
const DIGEST = 'sha512-demo';
/** Without `memory`, and with more threads unless somebody has said how many. */
const next = demo(
  '2.0.0',
  { version: '2', upgrade: { from: '1', backTo: '1' } },
  { threads: p.int(8).min(1).help('How many') },
);
export const NEXT_DIGEST = 'sha512-next';
const manifests: Readonly<Record<string, StackManifest>> = { [DIGEST]: manifest, [NEXT_DIGEST]: next };

/** The cluster with the next version of the stack installed as well. */
export function withNext(state: ClusterState): ClusterState {
  const { name, version, services } = next;
  return { ...state, stacks: [...state.stacks, { name, version, digest: NEXT_DIGEST, services }] };
}

/** What planning asks of the store of stacks. */
export const stacks: PlanningStacks = {
  list: async () => [],
  manifest: async (digest) => manifests[digest]!,
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
