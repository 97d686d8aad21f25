import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  action,
  alive,
  defineComponent,
  defineConfig,
  defineService,
  defineStack,
  each,
  exec,
  own,
  p,
  self,
  until,
} from '../define/index.ts';
import { StackDefinitionError } from '../define/errors.ts';
import { toManifest } from '../define/toManifest.ts';
import { describeStack, ImpossibleScenarioError, simulate } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'stackyard-actions-'));
afterAll(() => rmSync(folder, { recursive: true }));

const http = defineConfig('http.conf', { port: p.port(9870).help('Port') });
const excluded = defineConfig('exclude.conf', {
  hosts: p.text(each({ name: 'worker' }, self.host, { only: 'leaving', separator: ' ' })).help('Who leaves'),
});
const head = defineComponent('head', {
  title: 'Head',
  category: 'server',
  cardinality: '1-2',
  config: [http, excluded],
  process: exec({ program: '/bin/head', ready: alive() }),
  lifecycle: { reload: (host) => void host.run('/bin/head', 'reload') },
  actions: {
    makeTopic: action({
      title: 'Make a topic',
      help: 'Makes a topic',
      input: {
        topic: p
          .text()
          .pattern(/[a-z]+/)
          .help('Its name'),
        partitions: p.int(3).min(1).help('How many partitions'),
        compact: p.bool(false).help('Keep the newest of each key'),
        ratio: p.float().min(0).max(1).when(own('compact')).help('How dirty it may be'),
        dir: p.dir('/srv/t').help('Where it lies'),
      },
      run: async (host, { topic, partitions, ratio, dir }) => {
        await host.run('/bin/topics', topic, String(partitions));
        return { topic, ratio, dir, by: host.self.host };
      },
    }),
    quiet: action({ title: 'Quiet', help: 'Says nothing', run: () => undefined }),
  },
});
const worker = defineComponent('worker', {
  title: 'Worker',
  category: 'server',
  cardinality: '1+',
  process: exec({ program: '/bin/worker', ready: alive() }),
  decommission: {
    by: head,
    drain: (host, leaving) =>
      until(host, async () => {
        const { left } = (await host.fetchJson(host.get(http.port), '/left')) as { left: number };
        if (left > 0) throw new Error(`${leaving.map((it) => it.host).join(', ')} still has ${left} blocks.`);
      }),
    undo: (host, [back]) => host.log(`${back?.host} is back`),
  },
});

const service = defineService('s', { title: 'S', version: '1', user: 's', components: [head, worker] });
const stack = defineStack({ services: [service] });

describeStack(stack, { folder });

const cluster = simulate(stack, { folder }).add(head, 'h1', 'h2').add(worker, 'h1', 'h2', 'h3');

test('an action gets its input with defaults, as it is on the host, and what it gives back is seen', async () => {
  const { result, programs } = await cluster.local().action(head, 'makeTopic', { topic: 'a' });
  expect(result).toEqual({ topic: 'a', ratio: null, dir: '/srv/h1/srv/t', by: 'h1' });
  expect(programs).toEqual([{ program: '/bin/topics', args: ['a', '3'] }]);
  const other = await cluster.action(head, 'makeTopic', { topic: 'a', compact: true, ratio: 0.5 }, 'h2');
  expect(other.result).toMatchObject({ ratio: 0.5, by: 'h2' });
  expect((await cluster.action(head, 'quiet')).result).toBeNull();
});

test.each([
  [{}, 'topic of makeTopic needs a value: Its name.'],
  [{ topic: 'A' }, 'it must match [a-z]+'],
  [{ topic: 'a', partitions: 0 }, 'it must be at least 1'],
  [{ topic: 'a', colour: 1 }, 'makeTopic has no property "colour"'],
  [{ topic: 'a', compact: true }, 'ratio of makeTopic needs a value'],
  [{ topic: 'a', ratio: 0.5 }, 'means nothing beside the other values'],
])('input that an operator could not give is refused: %j', async (input, message) => {
  const trying = cluster.action(head, 'makeTopic', input);
  await expect(trying).rejects.toThrow(ImpossibleScenarioError);
  await expect(trying).rejects.toThrow(message);
});

test('who leaves is in the files of who empties it, until it is taken in again', async () => {
  await expect(cluster.answer('/left', { left: 2 }).decommission(worker, 'h3')).rejects.toThrow(
    'h3 still has 2 blocks',
  );
  const empty = cluster.answer('/left', { left: 0 });
  const { files, next } = await empty.decommission(worker, 'h3');
  expect(files['/etc/stackyard/s/head/exclude.conf']).toBe('hosts=h3\n');
  const back = await next.recommission(worker, 'h3');
  expect(back.log).toEqual(['h3 is back']);
  expect(back.files['/etc/stackyard/s/head/exclude.conf']).toBe('hosts=\n');
  await expect(back.next.recommission(worker, 'h3')).rejects.toThrow('worker on h3 is not leaving');
});

test('the last one does not leave, nor one that declares no way', async () => {
  const one = simulate(stack, { folder }).add(head, 'h1').add(worker, 'h1').answer('/left', { left: 0 });
  await expect(one.decommission(worker, 'h1')).rejects.toThrow('no worker would stay');
  await expect(cluster.decommission(head, 'h1')).rejects.toThrow('head declares no decommission');
});

test('what an action asks for is checked like a config', () => {
  const broken = defineComponent('c', {
    title: 'C',
    category: 'server',
    cardinality: '1',
    actions: {
      a: action({ title: 'A', help: 'A', input: { x: p.text().when(own('y')).help('X') }, run: () => undefined }),
    },
  });
  const broke = defineStack({
    services: [defineService('b', { title: 'B', version: '1', user: 'b', components: [broken] })],
  });
  const build = () => toManifest(broke, { name: 'b', version: '1.0.0', sdk: '0.0.0' });
  expect(build).toThrow(StackDefinitionError);
  expect(build).toThrow('b/c action a x: there is no input y');
});
