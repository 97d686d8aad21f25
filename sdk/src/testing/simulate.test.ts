import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  alive,
  concat,
  defineComponent,
  defineConfig,
  defineService,
  defineStack,
  exec,
  hostPorts,
  importOf,
  p,
  self,
  service,
  until,
} from '../define/index.ts';
import { type AnswerPlace, describeStack, ImpossibleScenarioError, simulate } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'stackyard-simulate-'));
mkdirSync(join(folder, 'templates'));
writeFileSync(join(folder, 'templates', 'a.cfg.hbs'), '{{properties}}\nself={{self.host}}\n');
afterAll(() => rmSync(folder, { recursive: true }));

const cfg = defineConfig('a.cfg', {
  port: p.port(4000).offsetByOrdinal().help('Port'),
  dataDir: p.dir('/data').help('Data'),
  upstream: p.text(importOf('other', 'url')).help('Where it reads from'),
  id: p.uuid().help('Name of the whole'),
});

const node = defineComponent('node', {
  title: 'Node',
  category: 'server',
  cardinality: '1-3',
  config: [cfg],
  process: exec({ program: 'bin/node', args: [concat(self.host, ':', cfg.port)], ready: alive() }),
  timeouts: { check: 5 },
  lifecycle: {
    init: (host) =>
      host.once('format', async () => {
        await host.run('mkfs', host.get(cfg.dataDir));
        await host.write(`${host.get(cfg.dataDir)}/formatted`, 'yes\n');
      }),
    check: (host) => until(host, async () => void (await host.fetchJson(host.get(cfg.port), '/health'))),
  },
});
const other = defineConfig('b.cfg', { port: p.port(1).help('Port') });
const proxy = defineComponent('proxy', { title: 'Proxy', category: 'server', cardinality: '0-1', notWith: [node] });

const stack = defineStack({
  services: [
    defineService('demo', {
      title: 'Demo',
      version: '1',
      user: 'demo',
      requires: [service('other', '*')],
      packages: [{ name: 'demo', version: '1', origins: { maven: { archive: 'a:b:c:1' } } }],
      components: [node, proxy],
      exports: { nodes: hostPorts(node, cfg.port) },
    }),
  ],
});

describeStack(stack, { folder });

const cluster = simulate(stack, { folder }).imports('other', { url: 'http://other:1' }).add(node, 'a', 'b');

test('what a phase leaves behind is there for the next one', async () => {
  const first = await cluster.run(node, 'init', 'a');
  expect(first.programs).toEqual([{ program: 'mkfs', args: ['/data'] }]);
  const second = await first.next.run(node, 'init', 'a');
  expect(second.programs).toEqual([]);
  expect(second.files).toEqual({ '/data/formatted': 'yes\n' });
});

test('on local hosts ports are shifted and paths lie below each root', async () => {
  const { files } = await cluster.local().run(node, 'configure', 'b');
  expect(files).toMatchInlineSnapshot(`
    {
      "/srv/b/etc/stackyard/demo/node/a.cfg": "port=4002
    dataDir=/srv/b/data
    upstream=http://other:1
    id=00000000-0000-4000-8000-000000000000
    self=b
    ",
    }
  `);
});

test('a process is started, is there, and is stopped', async () => {
  const started = await cluster.run(node, 'start', 'a');
  expect(started.process).toMatchObject({ program: '/opt/stackyard/demo-1/bin/node', args: ['a:4000'] });
  expect((await started.next.run(node, 'stop', 'a')).process).toBeUndefined();
});

test('waiting takes no time, but ends with the timeout of the phase and the last reason', async () => {
  await expect(cluster.run(node, 'check', 'a')).rejects.toThrow('/health refuses the connection');
  await expect(cluster.answer('/health', {}).run(node, 'check', 'a')).resolves.toBeDefined();
});

test('an answer is that of a port and a host, where they are named', async () => {
  const asked = (on: AnswerPlace) => cluster.answer('/health', {}, on).run(node, 'check', 'a');
  await expect(asked({ port: cfg.port, host: 'a' })).resolves.toBeDefined();
  await expect(asked({ port: 4000 })).resolves.toBeDefined();
  await expect(asked({ host: 'b' })).rejects.toThrow('refuses the connection');
});

test('an ordinal is never handed out twice, also when the last one left', async () => {
  const { files } = await cluster.remove(node, 'b').add(node, 'c').local().run(node, 'configure', 'c');
  expect(files['/srv/c/etc/stackyard/demo/node/a.cfg']).toContain('port=4003');
});

describe('a scenario that cannot exist is refused, for its author:', () => {
  const stranger = defineComponent('stranger', { title: 'X', category: 'server', cardinality: '1' });
  test.each<[string, () => unknown, string]>([
    ['a property that is declared nowhere', () => cluster.set(other.port, 1), 'no component has the config b.cfg'],
    ['a host that is none', () => cluster.add(proxy, 'a host'), '"a host" is no name of a host'],
    ['exports that nobody asks for', () => cluster.imports('hdfs', {}), "Add service('hdfs', …) to `requires`"],
    ['a host of no processor', () => cluster.facts({ cpus: 0 }), 'no host has cpus 0'],
    ['a fact that is none', () => cluster.facts({ cores: 4 } as never), 'hosts have no fact cores'],
    ['half a byte', () => cluster.facts({ memory: 0.5 }), 'no host has memory 0.5'],
    ['an answer without its slash', () => cluster.answer('health', {}), "as in '/health'"],
    [
      'an answer at a port that nobody declares',
      () => cluster.answer('/health', {}, { port: 9 }).run(node, 'check', 'a'),
      'nothing declares the port 9; the ports here are 4000',
    ],
    [
      'an answer of a host that is not there',
      () => cluster.answer('/health', {}, 'z').run(node, 'check', 'a'),
      'something is said of host z, where nothing is',
    ],
    [
      'a value of a host that is not there',
      () => cluster.override('z', cfg.port, 1).run(node, 'check', 'a'),
      'something is said of host z, where nothing is',
    ],
    [
      'a required service that is not there',
      () => simulate(stack, { folder }).add(node, 'a').run(node, 'configure', 'a'),
      "demo requires other, which is not there; give its exports with .imports('other', { url: … })",
    ],
    ['a component of another stack', () => cluster.add(stranger, 'a'), 'has no component stranger; it has node, proxy'],
    ['the same one twice', () => cluster.add(node, 'a'), 'node would be twice on a'],
    ['a value no operator can save', () => cluster.set(cfg.port, 70_000), 'it must be at least 1 and at most 65535'],
    ['a phase where the component is not', () => cluster.run(node, 'start', 'z'), 'there is no node on z'],
    [
      'too many',
      () => cluster.add(node, 'c', 'd').run(node, 'start', 'a'),
      "node is on 4 hosts, and its cardinality is '1-3'",
    ],
    [
      'what must not meet',
      () => cluster.add(proxy, 'a').run(node, 'start', 'a'),
      'proxy must not be with node, as on a',
    ],
  ])('%s', async (_, scenario, message) => {
    const trying = async () => scenario();
    await expect(trying()).rejects.toThrow(ImpossibleScenarioError);
    await expect(trying()).rejects.toThrow(message);
  });
});

test('a program prints what was said of it, the last that fits, or fails as it was told to', async () => {
  const asking = defineComponent('asking', {
    title: 'Asking',
    category: 'client',
    cardinality: '1+',
    lifecycle: { check: async (host) => host.log((await host.run('bin/ask', '--who', host.self.host)).stdout) },
  });
  const asked = simulate(
    defineStack({ services: [defineService('q', { title: 'Q', version: '1', user: 'q', components: [asking] })] }),
    { folder },
  ).add(asking, 'a', 'b');
  const told = asked.prints('bin/ask', 'anybody').prints('--who b', new Error('b says nothing.'));
  expect((await asked.run(asking, 'check', 'a')).log).toEqual(['']);
  expect((await told.run(asking, 'check', 'a')).log).toEqual(['anybody']);
  await expect(told.run(asking, 'check', 'b')).rejects.toThrow('b says nothing.');
});
