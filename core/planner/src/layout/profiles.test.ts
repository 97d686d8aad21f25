import { expect, test } from 'vitest';
import type { Addition } from '../command.ts';
import { PlanRefusedError } from '../errors.ts';
import { cluster, component, config, ids, property, Sample, service } from '../testing/sample.ts';
import { layout } from './layout.ts';
import { recommend } from './recommend.ts';

const store = service('store', {
  title: 'Store',
  configs: [
    config('store-env', [
      property('heap', 'memory', { default: { literal: 1024 } }),
      property('threads', 'int', { default: { literal: 8 } }),
    ]),
  ],
  components: [
    component('master', { cardinality: '1+', prefer: 'odd', configs: ['store-env'] }),
    component('helper', { cardinality: '0+', configs: ['store-env'] }),
  ],
  profiles: [
    { name: 'small', help: 'For one machine', values: { 'store-env': { heap: 64, threads: 1 } }, hosts: { master: 1 } },
    { name: 'helped', help: 'With helpers', values: {}, hosts: { master: 9, helper: 2 } },
  ],
});
const state = cluster({ manifests: [store, service('plain', { title: 'Plain' })] });
const adding = (addition: Omit<Addition, 'service'>) => layout(state, add(addition), { newId: ids() });
const add = (addition: Omit<Addition, 'service'>) =>
  ({ command: 'add', services: [{ service: 'store', ...addition }] }) as const;
const placesOf = (addition: Omit<Addition, 'service'>) =>
  recommend(state, [{ service: 'store', ...addition }], { newId: ids() }).services[0]?.places;

test('a profile gives values and numbers of hosts, and is told with the change', () => {
  const { next, change } = adding({ profile: 'small' });
  expect(next.services[0]?.values).toEqual({ 'store-env': { heap: 64, threads: 1 } });
  expect(change.profiles['store']).toMatchObject({ name: 'small', help: 'For one machine' });
  expect(placesOf({ profile: 'small' })).toEqual([
    {
      component: 'master',
      hosts: ['zk1'],
      reason: '1 of 3 hosts, as the profile small says, those with the fewest servers',
    },
  ]);
});

test('what the request says itself stands above its profile', () => {
  const { next } = adding({
    profile: 'small',
    components: { master: ['zk2', 'zk3', 'zk1'] },
    config: { 'store-env': { heap: 96 } },
  });
  expect(next.services[0]?.values).toEqual({ 'store-env': { heap: 96, threads: 1 } });
  expect(next.services[0]?.hostComponents).toHaveLength(3);
});

test('numbers of hosts stay within the cardinality and what the cluster has', () => {
  expect(placesOf({ profile: 'helped' })?.map(({ component: name, hosts }) => [name, hosts.length])).toEqual([
    ['master', 3],
    ['helper', 2],
  ]);
});

test('values of a profile are those of the service from then on: they can be changed', () => {
  const sample = new Sample(state);
  sample.run(add({ profile: 'small' }));
  sample.run({ command: 'configure', target: { service: 'store' }, config: { 'store-env': { heap: 256 } } });
  expect(sample.state.services[0]?.values).toEqual({ 'store-env': { heap: 256 } });
});

test('a profile that is not there is refused with those that are', () => {
  const refusal = (request: Addition) => {
    try {
      layout(state, { command: 'add', services: [request] }, { newId: ids() });
    } catch (error) {
      if (error instanceof PlanRefusedError)
        return error.problems.map(({ pointer, message }) => `${pointer}: ${message}`);
      throw error;
    }
    return [];
  };
  expect(refusal({ service: 'store', profile: 'smal' })).toEqual([
    '/services/0/profile: Store has no profile smal; did you mean "small"? It has small, helped.',
  ]);
  expect(refusal({ service: 'plain', profile: 'small' })).toEqual([
    '/services/0/profile: Plain has no profiles. Leave out "profile" and give the values themselves.',
  ]);
});
