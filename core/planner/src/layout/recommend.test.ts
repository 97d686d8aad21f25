import type { ComponentManifest, Expression } from '@stackyard/sdk/manifest';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { client, cluster, component, config, host, ids, property, service } from '../testing/sample.ts';
import { boundsOf } from '../cardinality.ts';
import { recommend } from './recommend.ts';

const GIBIBYTE = 1024 ** 3;
const memory: Expression = { fact: 'memory' };

function clusterOf(sizes: Readonly<Record<string, number>>, components: ComponentManifest[]) {
  const heap = property('heap', 'memory', {
    unit: 'MiB',
    default: { op: 'div', of: [memory, { literal: 4 * 1024 * 1024 }] },
  });
  const manifest = service('store', { configs: [config('store-env', [heap])], components });
  const state = cluster({ hosts: Object.keys(sizes), manifests: [manifest] });
  const hosts = Object.entries(sizes).map(([name, size]) =>
    host(name, { facts: { cpus: 4, memory: size * GIBIBYTE, disk: GIBIBYTE, java: [] } }),
  );
  return { ...state, hosts: hosts.map((each) => ({ ...each, clusterId: state.id })) };
}

const recommended = (sizes: Readonly<Record<string, number>>, components: ComponentManifest[]) =>
  recommend(clusterOf(sizes, components), [{ service: 'store' }], { newId: ids() });

test('places, reasons and the values that follow from the hosts there are told together', () => {
  const { services, problems } = recommended({ small: 4, big: 32, medium: 16, large: 24 }, [
    component('master', { cardinality: '1+', prefer: 'odd', configs: ['store-env'], place: { score: memory } }),
    component('worker', { cardinality: 'all' }),
    client('cli', { cardinality: '0+' }),
  ]);
  expect(problems).toEqual([]);
  expect(services).toEqual([
    {
      service: 'store',
      version: '1.0.0',
      places: [
        {
          component: 'master',
          hosts: ['big', 'large', 'medium'],
          reason: '3 of 4 hosts, an odd number survives most failures, those with most memory',
        },
        { component: 'worker', hosts: ['big', 'large', 'medium', 'small'], reason: 'on every host' },
        { component: 'cli', hosts: ['big', 'large', 'medium', 'small'], reason: 'where the servers are' },
      ],
      values: [
        {
          config: 'store-env',
          property: 'heap',
          unit: 'MiB',
          from: ['memory'],
          values: [
            { value: 8192, hosts: ['big'] },
            { value: 6144, hosts: ['large'] },
            { value: 4096, hosts: ['medium'] },
          ],
        },
      ],
    },
  ]);
});

test('a stack says how many hosts of a cluster of some size it wants', () => {
  const five: Expression = {
    choose: [{ op: 'ge', of: [{ cluster: 'hosts' }, { literal: 5 }] }, { literal: 5 }, { literal: 3 }],
  };
  const hosts = (count: number) =>
    recommended(Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, 4])), [
      component('quorum', { place: { hosts: five } }),
    ]).services[0]?.places[0]?.hosts.length;
  expect([1, 3, 4, 5, 9].map(hosts)).toEqual([1, 3, 3, 5, 5]);
});

test('a component that belongs to another goes where that is, whatever the order of definition', () => {
  const { services } = recommended({ a: 4, b: 32, c: 8 }, [
    component('controller', { cardinality: '1', with: [{ component: 'name' }] }),
    component('name', { cardinality: '1', place: { score: memory } }),
  ]);
  expect(services[0]?.places.map(({ component: name, hosts }) => [name, hosts])).toEqual([
    ['controller', ['b']],
    ['name', ['b']],
  ]);
  expect(services[0]?.places[0]?.reason).toContain('where name is');
});

test('what stands in the way comes with the recommendation instead of a refusal', () => {
  const { services, problems } = recommended({ a: 4 }, [component('pair', { cardinality: '2' })]);
  expect(services[0]?.places).toMatchObject([{ component: 'pair', hosts: ['a'] }]);
  expect(problems).toMatchObject([{ code: 'CARDINALITY' }]);
});

test('what is recommended keeps to the cardinality wherever the hosts allow it', () => {
  const cardinality = fc.constantFrom('1', '2', '1+', '3+', '0+', '0-1', '3-5', '2-4', 'all');
  fc.assert(
    fc.property(cardinality, fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 9 }), (each, asked, count) => {
      const { services } = recommended(Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, 4 + i])), [
        component('one', { cardinality: each, prefer: 'odd', place: { hosts: { literal: asked }, score: memory } }),
      ]);
      const placed = services[0]?.places[0]?.hosts.length ?? 0;
      const { min, max, all } = boundsOf(each);
      expect(placed).toBeLessThanOrEqual(Math.min(max, count));
      expect(placed).toBeGreaterThanOrEqual(all ? count : Math.min(min, count));
    }),
  );
});
