import { defineComponent, defineConfig, defineService, defineStack, p } from '@stackyard/sdk';
import { toManifest } from '@stackyard/sdk/build';
import type { Inputs } from '@stackyard/sdk/manifest';
import { afterEach, expect, test } from 'vitest';
import { RenderFailedError } from './errors.ts';
import { RENDER_LIMITS, type RenderBatch, Renderer, type RenderLimits } from './renderer.ts';

const open: Renderer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((renderer) => renderer.stop()));
});

function renderer(limits: Partial<RenderLimits> = {}): Renderer {
  // The renderer itself needs 12 to 16 MB, run from its TypeScript: one with less may fail before it has a batch.
  const made = new Renderer({ ...RENDER_LIMITS, heapMb: 64, ...limits });
  open.push(made);
  return made;
}

const list = p.list([]).help('Items');
const LISTS = ['a', 'b', 'c', 'd', 'e'] as const;
const conf = defineConfig('a.cfg', { port: p.port(80).help('Port'), a: list, b: list, c: list, d: list, e: list });
const one = defineComponent('one', {
  title: 'One',
  category: 'server',
  cardinality: '0+',
  config: [conf],
  lifecycle: { start: () => undefined },
});
const stack = defineStack({
  services: [defineService('demo', { title: 'Demo', version: '1', user: 'demo', components: [one] })],
});

const inputs: Inputs = {
  self: {
    hostComponentId: 'hc1',
    service: 'demo',
    component: 'one',
    host: 'h1',
    address: '127.0.0.1',
    bind: '0.0.0.0',
    root: '/',
    local: false,
    ordinal: 1,
    javaHome: undefined,
  },
  values: {
    'a.cfg': {
      port: 80,
      ...Object.fromEntries(LISTS.map((name) => [name, Array.from({ length: 400 }, (_, index) => `${name}${index}`)])),
    },
  },
  instances: { one: [] },
  imports: {},
  facts: { cpus: 1, memory: 1, disk: 1 },
};

/** For each of 400 items the 400 items of the next list, and so on: 400 ** levels lines. */
const nested = (levels: number, line = 'x\n') =>
  `${LISTS.slice(0, levels)
    .map((name, level) => `{{#each ${'../'.repeat(level)}config.${name}}}`)
    .join('')}${line}${'{{/each}}'.repeat(levels)}`;

async function batch(template: string, hosts = 1): Promise<RenderBatch> {
  const manifest = toManifest(stack, { name: '@stack/demo', version: '1.0.0', sdk: '0.1.0', templates: ['a.cfg.hbs'] });
  const [service] = manifest.services;
  if (!service) throw new Error('The manifest has no service.');
  return {
    service,
    templates: { 'a.cfg.hbs': template },
    items: Array.from({ length: hosts }, (_, index) => ({ hostComponentId: `hc${index}`, component: 'one', inputs })),
  };
}

const contents = async (rendering: ReturnType<Renderer['render']>) =>
  [...(await rendering).values()].flat().map(({ content }) => content);

test('files are rendered for every host component of a batch', async () => {
  const files = await renderer().render(await batch('port={{config.port}}\n', 3));
  expect([...files.keys()]).toEqual(['hc0', 'hc1', 'hc2']);
  expect(await contents(renderer().render(await batch('port={{config.port}}\n')))).toEqual(['port=80\n']);
});

test('a template that never ends fails its own request; those that wait behind it and later ones are rendered', async () => {
  const one = renderer({ cpuMs: { floor: 300, each: 0 } });
  const endless = one.render(await batch(nested(5, '')));
  const behind = one.render(await batch('fine\n'));
  await expect(endless).rejects.toThrow(
    new RenderFailedError({ service: 'demo', reason: 'it took more than 300 ms of processor time' }),
  );
  expect(await contents(behind)).toEqual(['fine\n']);
  expect(await contents(one.render(await batch('again\n')))).toEqual(['again\n']);
});

test('a batch that waits and never ends is given up as well', async () => {
  const one = renderer({ timeMs: 500, cpuMs: { floor: 1e9, each: 0 } });
  await expect(one.render(await batch(nested(5, '')))).rejects.toThrow(/it took longer than 500 ms/);
});

test('every host component adds to the processor time that a batch may take', async () => {
  const one = renderer({ cpuMs: { floor: 0, each: 100 } });
  await expect(one.render(await batch(nested(5, ''), 3))).rejects.toThrow(/more than 300 ms of processor time/);
});

test('files that are larger than they may be fail by themselves', async () => {
  const one = renderer({ outputBytes: 1_000 });
  await expect(one.render(await batch('x'.repeat(1_001)))).rejects.toThrow(
    /the files of one have 1001 bytes, more than 1000/,
  );
  expect(await contents(one.render(await batch('x'.repeat(1_000))))).toHaveLength(1);
});

test('a batch that eats memory fails by itself, and the server lives', async () => {
  const one = renderer({ cpuMs: { floor: 60_000, each: 0 } });
  const hungry = one.render(await batch(nested(3, '{{this}}'), 50));
  const behind = one.render(await batch('fine\n'));
  await expect(hungry).rejects.toThrow(/demo cannot be rendered: .*memory/);
  expect(await contents(behind)).toEqual(['fine\n']);
});

test('the time it takes to start the worker is not taken from a template that it renders', async () => {
  const begin = performance.now();
  await renderer().render(await batch('fine\n'));
  // Nearly all of that was the start of the worker, however busy the machine is.
  const one = renderer({ timeMs: (performance.now() - begin) / 2 });
  expect(await contents(one.render(await batch('fine\n')))).toEqual(['fine\n']);
});

test('a template that fails says which service it is of', async () => {
  await expect(renderer().render(await batch('{{config.nope}}\n'))).rejects.toThrow(
    /^The configs of demo cannot be rendered: .*nope/,
  );
});

test('an idle worker ends, and the next request gets a new one', async () => {
  const one = renderer({ idleMs: 1 });
  expect(await contents(one.render(await batch('a\n')))).toEqual(['a\n']);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await contents(one.render(await batch('b\n')))).toEqual(['b\n']);
});

test('what still waits when the server stops is told so', async () => {
  const one = renderer();
  const waiting = [one.render(await batch(nested(5, ''))), one.render(await batch('a\n'))];
  const told = Promise.allSettled(waiting);
  await one.stop();
  expect((await told).map((each) => each.status === 'rejected' && String(each.reason))).toEqual([
    expect.stringContaining('the server is stopping'),
    expect.stringContaining('the server is stopping'),
  ]);
});
