import type { PropertyManifest, ServiceManifest } from '@stackyard/sdk/manifest';
import { expect, test } from 'vitest';
import { changeOf, merged } from './change.ts';

const number = (more: Partial<PropertyManifest> = {}): PropertyManifest => ({
  name: 'size',
  type: 'int',
  help: 'How many',
  effect: 'restart',
  default: { literal: 5 },
  ...more,
});

function serviceWith(property: PropertyManifest, file = true): ServiceManifest {
  return {
    name: 'store',
    title: 'Store',
    version: '1.0.0',
    user: 'store',
    packages: [],
    requires: { services: [] },
    configs: [{ name: 'store.conf', format: 'properties', file, properties: [property], effect: 'restart' }],
    components: [],
    exports: {},
  };
}

test('a number of a file is moved by one, from what is set, within its bounds', () => {
  expect(changeOf(serviceWith(number()), {})).toEqual({ 'store.conf': { size: 6 } });
  expect(changeOf(serviceWith(number({ max: 5 })), {})).toEqual({ 'store.conf': { size: 4 } });
  expect(changeOf(serviceWith(number()), { 'store.conf': { size: 40 } })).toEqual({ 'store.conf': { size: 41 } });
});

test.each([
  ['a port, which may be taken', serviceWith(number({ type: 'port' }))],
  ['what cannot be changed once installed', serviceWith(number({ effect: 'pinned' }))],
  ['a value that no file shows', serviceWith(number(), false)],
  ['a number that may be nothing else', serviceWith(number({ min: 5, max: 5 }))],
  ['a default that is computed', serviceWith(number({ default: { fact: 'cpus' } }))],
])('%s is left alone', (_what, service) => {
  expect(changeOf(service, {})).toBe(undefined);
});

test('values are laid over others without losing any', () => {
  expect(merged({ a: { x: 1, y: 2 }, b: { z: 3 } }, { a: { y: 4 }, c: { w: 5 } })).toEqual({
    a: { x: 1, y: 4 },
    b: { z: 3 },
    c: { w: 5 },
  });
});
