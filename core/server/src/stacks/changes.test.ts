import type { StackManifest } from '@stackyard/sdk/manifest';
import { expect, test } from 'vitest';
import { stackChanges } from './changes.ts';

const service = (version: string, more: object = {}) => ({
  name: 'db',
  version,
  components: [{ name: 'server', title: 'Server', category: 'server' }],
  configs: [{ name: 'db.conf', properties: [{ name: 'port', default: 1, help: 'x' }] }],
  ...more,
});
const manifest = (...services: object[]) => ({ services }) as unknown as StackManifest;

test('what is the same but for the order of its keys has not changed', () => {
  const other = { configs: [{ properties: [{ help: 'x', default: 1, name: 'port' }], name: 'db.conf' }] };
  expect(stackChanges(manifest(service('1')), manifest(service('1', other)))).toEqual([]);
});

test('services, components and properties are told by what happened to them', () => {
  const after = service('2', {
    components: [{ name: 'client', title: 'Client', category: 'client' }],
    configs: [{ name: 'db.conf', properties: [{ name: 'port', default: 2, help: 'x' }] }],
  });
  expect(stackChanges(manifest(service('1')), manifest(after))).toEqual([
    { change: 'changed', what: 'service', name: 'db', from: '1', to: '2' },
    { change: 'added', what: 'component', name: 'db/client' },
    { change: 'changed', what: 'property', name: 'db/db.conf/port' },
    { change: 'removed', what: 'component', name: 'db/server' },
  ]);
});
