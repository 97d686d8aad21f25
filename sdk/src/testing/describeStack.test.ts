import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  action,
  alive,
  choose,
  defineComponent,
  defineConfig,
  defineService,
  defineStack,
  eq,
  exec,
  hostPorts,
  importOf,
  own,
  p,
  service,
} from '../define/index.ts';
import { describeStack, simulate } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'stackyard-describe-'));
afterAll(() => rmSync(folder, { recursive: true }));

const master = defineConfig('master.properties', {
  port: p.port(9000).help('Port'),
  mode: p.enum(['plain', 'kerberos'], 'plain').help('How clients prove who they are'),
  secure: p.bool(false).help('Whether it speaks TLS'),
  principal: p
    .text()
    .pattern(/\w+@\w+/)
    .when(eq(own('mode'), 'kerberos'))
    .help('Who it is'),
  tlsPort: p
    .port(9000)
    .when(eq(own('secure'), true))
    .help('Port for TLS'),
  owner: p.text().help('Who to call'),
  zones: p.list(['a']).help('Zones'),
});
const worker = defineConfig('worker.properties', {
  port: p.port(9000).help('Port'),
  master: p.text(importOf('heads', 'address')).help('Where the master is'),
  label: p.text(choose(eq(own('port'), 9000), 'standard', 'other')).help('Label'),
});
const head = defineComponent('head', {
  title: 'Head',
  category: 'server',
  cardinality: '1',
  config: [master],
  process: exec({ program: '/bin/true', ready: alive() }),
  actions: { save: action({ title: 'Save', help: 'Saves', input: { to: p.dir('/x').help('Where') }, run: () => {} }) },
});
const standby = defineComponent('standby', { title: 'Standby', category: 'server', cardinality: '1', notWith: [head] });
const hand = defineComponent('hand', {
  title: 'Hand',
  category: 'server',
  cardinality: '3+',
  config: [worker],
  notWith: [{ component: 'heads/head', why: 'they share a port' }],
});
const tool = defineComponent('tool', { title: 'Tool', category: 'client', cardinality: '2', with: [hand] });
const everywhere = defineComponent('everywhere', { title: 'Everywhere', category: 'client', cardinality: 'all' });

const stack = defineStack({
  services: [
    defineService('heads', {
      title: 'Heads',
      version: '1',
      user: 'heads',
      components: [head, standby],
      exports: { address: hostPorts(head, master.port) },
    }),
    defineService('hands', {
      title: 'Hands',
      version: '1',
      user: 'hands',
      components: [tool, hand, everywhere],
      requires: [service('heads', '*')],
    }),
  ],
});

describeStack(stack, { folder, given: (cluster) => cluster.set(master.principal, 'a@B') });

test('exports of a service of the stack follow from where it is', async () => {
  const cluster = simulate(stack, { folder }).add(head, 'm').add(hand, 'a', 'b', 'c').set(master.port, 9001);
  const { files } = await cluster.run(hand, 'configure', 'a');
  expect(files['/etc/stackyard/hands/hand/worker.properties']).toContain('master=10.0.0.1:9001');
});

test('components that must not meet may not meet across services either, and it says why', async () => {
  const cluster = simulate(stack, { folder }).add(head, 'a').add(hand, 'a', 'b', 'c').set(master.owner, 'me');
  await expect(cluster.run(hand, 'configure', 'a')).rejects.toThrow(
    'hand must not be with heads/head, as on a: they share a port.',
  );
  await expect(cluster.run(head, 'configure', 'a')).rejects.toThrow('must not be with');
});

test('an operator has to give what has no default, but only while it is in use', async () => {
  const cluster = simulate(stack, { folder }).add(head, 'a');
  await expect(cluster.run(head, 'configure', 'a')).rejects.toThrow('owner of master.properties needs a value');
  const owned = cluster.set(master.owner, 'me');
  const { files } = await owned.run(head, 'configure', 'a');
  expect(files['/etc/stackyard/heads/head/master.properties']).not.toContain('principal');
  await expect(owned.set(master.mode, 'kerberos').run(head, 'configure', 'a')).rejects.toThrow('principal');
});
