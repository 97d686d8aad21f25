import type { ClusterState } from '@stackyard/planner';
import type { EntityManager } from '@mikro-orm/postgresql';
import { afterAll, expect, test } from 'vitest';
import type { RenderedFile } from '@stackyard/sdk/manifest';
import { type Planned, planCommand } from './planning.ts';
import { Renderer } from './renderer.ts';
import { emptyCluster, stacks, withNext } from './testing/sample.ts';
import { viewOf } from './view.ts';

const renderer = new Renderer();
afterAll(() => renderer.stop());

const plan = (state: ClusterState, request: Parameters<typeof planCommand>[1]) =>
  planCommand(state, request, { stacks, renderer });
const textsOf = (texts: ReadonlyMap<string, string>) =>
  ({ find: async () => [...texts].map(([digest, content]) => ({ digest, content })) }) as unknown as EntityManager;
const add = (...hosts: string[]) => ({
  command: 'add' as const,
  services: [{ service: 'demo', components: { worker: hosts, head: [] } }],
});

/** The cluster as it is when everything that was planned has been done. */
function done({ next, rendered, plan: { hosts } }: Planned): ClusterState {
  expect(hosts.length).toBeGreaterThan(0);
  const applied = (id: string) =>
    Object.fromEntries((rendered.get(id) ?? []).map(({ path, digest }) => [path, digest]));
  return {
    ...next,
    services: next.services.map((service) => ({
      ...service,
      hostComponents: service.hostComponents.map((each) => ({
        ...each,
        desired: 'RUNNING' as const,
        observed: 'RUNNING' as const,
        applied: applied(each.id),
        appliedValues: { 'demo.properties': { dataDir: '/var/lib/demo', threads: 4 } },
        configVersion: 1,
        once: ['init', 'prepare'],
        stackDigest: service.stack.digest,
      })),
    })),
  };
}

test('what is added is shown with its place, its tasks and its files', async () => {
  const view = await viewOf(await plan(emptyCluster(2), add('h1', 'h2')), textsOf(new Map()));
  expect(view.title).toBe('Add demo on 2 hosts');
  expect(view.added).toEqual(
    [1, 2].map((ordinal) => ({ host: `h${ordinal}`, service: 'demo', component: 'worker', ordinal })),
  );
  expect(new Set(view.tasks.map(({ phase }) => phase))).toContain('start');
  expect(view.files.map(({ host, change }) => `${host} ${change}`)).toEqual(['h1 create', 'h2 create']);
  expect(view.files[0]?.diff).toContain('--- /dev/null\n+++ b/srv/h1/');
  expect(view.files[0]?.diff).toContain('+threads=4');
});

test('a change is shown against what was last applied, with what restarts and why', async () => {
  const before = await plan(emptyCluster(1), add('h1'));
  const texts = new Map([...before.rendered.values()].flat().map(({ digest, content }) => [digest, content]));
  const view = await viewOf(
    await plan(done(before), {
      command: 'configure',
      target: { service: 'demo' },
      config: { 'demo.properties': { threads: 8 } },
    }),
    textsOf(texts),
  );
  expect(view.files).toMatchObject([
    { host: 'h1', change: 'change', diff: expect.stringContaining('-threads=4\n+threads=8\n') },
  ]);
  expect(view.restarts).toEqual([{ host: 'h1', service: 'demo', component: 'worker', reason: '1 file changed' }]);
});

test('what is removed is shown with the data directories that stay or go', async () => {
  const state = done(await plan(emptyCluster(2), add('h1', 'h2')));
  const view = await viewOf(
    await plan(state, { command: 'remove', target: { service: 'demo', hosts: ['h2'] }, data: 'delete' }),
    textsOf(new Map()),
  );
  expect(view.removed).toEqual([
    {
      host: 'h2',
      service: 'demo',
      component: 'worker',
      ordinal: 2,
      data: 'delete',
      directories: ['/srv/h2/var/lib/demo'],
    },
  ]);
});

test('an upgrade is shown with both versions and what becomes of each property', async () => {
  const before = done(
    await plan(withNext(emptyCluster(2)), {
      ...add('h1', 'h2'),
      services: [
        { ...add('h1', 'h2').services[0]!, version: '1.0.0', config: { 'demo.properties': { memory: 1_000_000 } } },
      ],
    }),
  );
  const upgrade = { command: 'upgrade', service: 'demo', version: '2.0.0' } as const;
  const forth = await plan(before, upgrade);
  expect((await viewOf(forth, textsOf(new Map()))).upgrade).toEqual({
    service: 'demo',
    back: false,
    from: { stack: '@stack/demo', version: '1.0.0', product: '1' },
    to: { stack: '@stack/demo', version: '2.0.0', product: '2' },
    packages: [],
    properties: [
      { config: 'demo.properties', property: 'threads', change: 'default', before: 4, after: 8 },
      { config: 'demo.properties', property: 'memory', change: 'gone', before: 1_000_000 },
    ],
    newComponents: [],
  });
  const back = await plan(done(forth), { ...upgrade, version: '1.0.0' });
  expect((await viewOf(back, textsOf(new Map()))).upgrade).toMatchObject({
    back: true,
    to: { version: '1.0.0' },
    properties: expect.arrayContaining([
      { config: 'demo.properties', property: 'memory', change: 'returned', after: 1_000_000 },
    ]),
  });
});

test('turns are shown as batches in their order, with the pause after the first and what is tolerated', async () => {
  const state = done(await plan(emptyCluster(5), add('h1', 'h2', 'h3', 'h4', 'h5')));
  const rolling = { batch: 2, tolerate: 1, pauseAfterFirst: true };
  const view = await viewOf(await plan(state, { command: 'restart', target: {}, rolling }), textsOf(new Map()));
  const batch = { service: 'demo', component: 'worker' };
  expect(view.turns).toEqual({
    tolerate: 1,
    batches: [
      { ...batch, hosts: ['h1', 'h2'], pauses: true },
      { ...batch, hosts: ['h3', 'h4'], pauses: false },
      { ...batch, hosts: ['h5'], pauses: false },
    ],
  });
  expect(
    (await viewOf(await plan(state, { command: 'restart', target: {} }), textsOf(new Map()))).turns,
  ).toBeUndefined();
});

test('large diffs are cut at a line, and the plan stays one that can be sent', async () => {
  const planned = await plan(emptyCluster(200), add(...Array.from({ length: 200 }, (_, index) => `h${index + 1}`)));
  const large = `${'x'.repeat(99)}\n`.repeat(1_000);
  const rendered = new Map(
    [...planned.rendered].map(([id, files]) => [id, files.map((file): RenderedFile => ({ ...file, content: large }))]),
  );
  const view = await viewOf({ ...planned, rendered }, textsOf(new Map()));
  expect(view.files).toHaveLength(200);
  expect(view.files[0]?.diff).toMatch(/x\n… the rest is not shown: the plan is too large\n$/);
  expect(JSON.stringify(view.files).length).toBeLessThan(5_000_000);
});

test('a thousand hosts are viewed in the time of a thousand hosts', async () => {
  const cost = async (hosts: number) => {
    const planned = await plan(
      emptyCluster(hosts),
      add(...Array.from({ length: hosts }, (_, index) => `h${index + 1}`)),
    );
    let reads = 0;
    // Counts how often the list of hosts is gone through: what is quadratic does so once per host component.
    const counted = new Proxy(planned.next.hosts, {
      get: (target, name, self) =>
        name === Symbol.iterator || name === 'find' || name === 'map'
          ? (reads++, Reflect.get(target, name, self))
          : Reflect.get(target, name, self),
    });
    await viewOf({ ...planned, next: { ...planned.next, hosts: counted } }, textsOf(new Map()));
    return reads;
  };
  expect(await cost(50)).toBe(await cost(5));
});
