import { createLogger } from '@stackyard/kernel';
import type { ClusterState, HostComponentState, ServiceState } from '@stackyard/planner';
import { expect, test } from 'vitest';
import { RenderFailedError } from '../commands/errors.ts';
import type { RenderBatch } from '../commands/renderer.ts';
import { emptyCluster, stacks } from '../commands/testing/sample.ts';
import { Staleness } from './staleness.ts';

const log = createLogger({ level: 'silent' });

function cluster(hosts = 2): ClusterState {
  const state = emptyCluster(hosts);
  const manifest = state.stacks[0]?.services[0];
  if (!manifest) throw new Error('The sample has no service.');
  const hostComponents = state.hosts.map(({ id }, index): HostComponentState => ({
    id: `hc${index + 1}`,
    service: 'demo',
    component: 'worker',
    hostId: id,
    ordinal: index + 1,
    desired: 'RUNNING',
    observed: 'RUNNING',
    applied: { '/a': 'old' },
    appliedValues: {},
    configVersion: 1,
    once: [],
  }));
  const service: ServiceState = {
    id: 's1',
    name: 'demo',
    stack: { name: '@stack/demo', version: '1.0.0', digest: 'sha512-demo' },
    manifest,
    configVersion: 1,
    values: {},
    overrides: {},
    generated: {},
    nextOrdinals: { worker: 3 },
    hostComponents,
  };
  return { ...state, services: [service] };
}

const change = (state: ClusterState, fields: Partial<ServiceState>): ClusterState => ({
  ...state,
  services: state.services.map((service) => ({ ...service, ...fields })),
});

function counting(digest = 'new') {
  let batches = 0;
  const render = async ({ items }: RenderBatch) => {
    batches++;
    return new Map(
      items.map(({ hostComponentId }) => [
        hostComponentId,
        [{ path: '/a', digest, content: '', mode: 0o644, config: 'demo.properties' }],
      ]),
    );
  };
  return { renderer: { render }, rendered: () => batches };
}

test('host components whose files would be others are stale; those not yet configured are not', async () => {
  const state = cluster(2);
  const [first, second] = state.services[0]?.hostComponents ?? [];
  const fresh = change(state, {
    hostComponents: [first as HostComponentState, { ...(second as HostComponentState), applied: undefined }],
  });
  const found = await new Staleness({ stacks, renderer: counting().renderer, log }).of(fresh);
  expect([...found.keys()]).toEqual(['hc1']);
  expect(found.get('hc1')).toMatchObject({ changed: ['/a'], effect: 'restart' });
});

test('nothing is rendered again while nothing that a file is made of has changed', async () => {
  const { renderer, rendered } = counting();
  const staleness = new Staleness({ stacks, renderer, log });
  const state = cluster();
  await Promise.all([staleness.of(state), staleness.of(structuredClone(state))]);
  await staleness.of({ ...state, hosts: [...state.hosts, ...emptyCluster(9).hosts.slice(5)] });
  await staleness.of(
    change(state, {
      hostComponents: (state.services[0]?.hostComponents ?? []).map((each) => ({
        ...each,
        observed: 'UNHEALTHY' as const,
      })),
    }),
  );
  expect(rendered()).toBe(1);
});

test.each<[string, (state: ClusterState) => ClusterState]>([
  [
    'a new config version',
    (state) => change(state, { configVersion: 2, values: { 'demo.properties': { threads: 5 } } }),
  ],
  [
    'another stack version',
    (state) => change(state, { stack: { name: '@stack/demo', version: '2.0.0', digest: 'sha512-other' } }),
  ],
  [
    'a fact of a host',
    (state) => ({ ...state, hosts: state.hosts.map((host) => ({ ...host, facts: { ...host.facts, memory: 1 } })) }),
  ],
  ['an address', (state) => ({ ...state, hosts: state.hosts.map((host) => ({ ...host, address: '10.0.0.1' })) })],
  ['a name', (state) => ({ ...state, hosts: state.hosts.map((host) => ({ ...host, name: `${host.name}x` })) })],
  [
    'what was applied',
    (state) =>
      change(state, {
        hostComponents: (state.services[0]?.hostComponents ?? []).map((each) => ({
          ...each,
          applied: { '/a': 'new' },
        })),
      }),
  ],
  [
    'what the process runs with',
    (state) =>
      change(state, {
        hostComponents: (state.services[0]?.hostComponents ?? []).map((each) => ({
          ...each,
          appliedValues: { x: { y: 1 } },
        })),
      }),
  ],
  [
    'a member that left',
    (state) => change(state, { hostComponents: (state.services[0]?.hostComponents ?? []).slice(1) }),
  ],
])('%s is looked at anew', async (_, changed) => {
  const { renderer, rendered } = counting();
  const staleness = new Staleness({ stacks, renderer, log });
  await staleness.of(cluster());
  await staleness.of(changed(cluster()));
  expect(rendered()).toBe(2);
});

test('what cannot be rendered hides no host component, and is not tried for every look at the list', async () => {
  let tries = 0;
  const render = async () => {
    tries++;
    throw new RenderFailedError({ service: 'demo', reason: 'it took longer than 10 ms' });
  };
  const staleness = new Staleness({ stacks, renderer: { render }, log });
  expect(await staleness.of(cluster())).toEqual(new Map());
  expect(await staleness.of(cluster())).toEqual(new Map());
  expect(tries).toBe(1);
  await staleness.of(change(cluster(), { configVersion: 2 }));
  expect(tries).toBe(2);
});

test('only as many clusters are remembered as are worth it, the latest ones', async () => {
  const { renderer, rendered } = counting();
  const staleness = new Staleness({ stacks, renderer, log });
  const named = (index: number) => ({ ...cluster(), id: `c${index}` });
  for (let index = 0; index < 51; index++) await staleness.of(named(index));
  await staleness.of(named(50));
  expect(rendered()).toBe(51);
  await staleness.of(named(0));
  expect(rendered()).toBe(52);
});
