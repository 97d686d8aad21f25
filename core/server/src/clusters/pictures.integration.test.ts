import { type ClusterPicture, Clusters } from '@stackyard/contract';
import { definePlugin } from '@stackyard/kernel';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ServerWorld } from '../api/testing/world.ts';
import { startTestPostgres, testPostgresKinds, type TestPostgres } from '../postgres/testing.ts';

const definition = `
import { defineComponent, defineConfig, defineService, defineStack, own, p, prometheus } from '@stackyard/sdk';
const conf = defineConfig('metered.yaml', {
  port: p.port(7000).help('Where metrics are told'),
  extra: p.bool(false).help('Whether there are more'),
  extraPort: p.port(7001).when(own('extra')).help('Where more metrics are told'),
});
const shape = { category: 'server', cardinality: '0+', config: [conf], lifecycle: { start: () => undefined, stop: () => undefined } };
export default defineStack({
  services: [
    defineService('metered', {
      title: 'Metered',
      version: '1',
      user: 'metered',
      components: [
        defineComponent('meter', { title: 'Meter', ...shape, metrics: prometheus(conf.port, {}, '/told') }),
        defineComponent('silent', { title: 'Silent', ...shape }),
        defineComponent('spare', { title: 'Spare', ...shape, metrics: prometheus(conf.extraPort, {}) }),
      ],
    }),
  ],
});
`;

describe.each(testPostgresKinds())('pictures of clusters for plugins on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let world: ServerWorld;
  let clusters: Clusters;
  const reader = definePlugin({
    id: 'reader',
    needs: [Clusters],
    start: (plugin) => void (clusters = plugin.resolve(Clusters)),
  });

  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
    const stacks = [{ name: 'metered', definition }];
    world = await ServerWorld.start(await postgres.createDatabase(), { stacks, plugins: [reader] });
    await world.join('h1', 'h2', 'h3');
    await world.cluster('b', ['h1', 'h2']);
    await world.cluster('a', ['h3']);
    await world.run('b', {
      command: 'add',
      services: [{ service: 'metered', components: { meter: ['h1', 'h2'], silent: ['h1'], spare: ['h1'] } }],
    });
  });
  beforeEach(async () => configure({}, {}));
  afterAll(async () => {
    await world?.close();
    await postgres?.stop();
  });

  const page = '/clusters/b/services/metered/config';
  async function save(values: object, overrides: object): Promise<void> {
    const headers = { 'if-match': (await world.get(page)).headers.get('etag') ?? '' };
    const { status, text } = await world.send('PUT', page, { body: { values, overrides }, headers });
    if (status !== 200) throw new Error(text);
  }
  async function configure(values: object, overrides: object): Promise<void> {
    await save(values, overrides);
    const { state } = await world.run('b', { command: 'configure', target: { service: 'metered' } });
    expect(state).toBe('SUCCESSFUL');
  }
  const one = async (): Promise<ClusterPicture> => (await clusters.list({ cluster: 'b' }))[0]!;
  /** `component@host:port/path`, or without what follows the host where no metrics are told. */
  const told = async (): Promise<string[]> =>
    (await one()).services
      .flatMap(({ hostComponents }) => hostComponents)
      .map(({ component, host, metrics }) => `${component}@${host}${metrics ? `:${metrics.port}${metrics.path}` : ''}`)
      .toSorted();

  test('every cluster is seen by name, one by its id as by its name, and none that is not there', async () => {
    const all = await clusters.list();
    expect(all.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(all[0]?.services).toEqual([]);
    expect(await clusters.list({ cluster: all[1]!.id })).toEqual(await clusters.list({ cluster: 'b' }));
    expect(await clusters.list({ cluster: 'c' })).toEqual([]);
  });

  test('what runs where is told with its stack, its address and its state', async () => {
    const { services, revision } = await one();
    expect(revision).toBe((await world.get('/clusters/b')).body.revision);
    expect(services).toMatchObject([
      { name: 'metered', stack: { name: '@stack/metered', version: '1.0.0' }, manifest: { name: 'metered' } },
    ]);
    const meter = services[0]?.hostComponents.find(({ component, host }) => component === 'meter' && host === 'h2');
    expect(meter).toEqual({
      id: expect.any(String),
      component: 'meter',
      host: 'h2',
      address: '127.0.0.1',
      ordinal: 2,
      desired: 'RUNNING',
      observed: expect.any(String),
      metrics: { address: '127.0.0.1', port: 7000, path: '/told' },
    });
  });

  test('a port is that of the host it is overridden for; one that is not in use is none', async () => {
    expect(await told()).toEqual(['meter@h1:7000/told', 'meter@h2:7000/told', 'silent@h1', 'spare@h1']);
    await configure({ 'metered.yaml': { extra: true } }, { h2: { 'metered.yaml': { port: 7999 } } });
    expect(await told()).toEqual(['meter@h1:7000/told', 'meter@h2:7999/told', 'silent@h1', 'spare@h1:7001/metrics']);
  });

  test('a port that is saved counts from when it is applied, so that nobody looks where nothing listens yet', async () => {
    await save({ 'metered.yaml': { port: 8000 } }, {});
    expect(await told()).toContain('meter@h1:7000/told');
    await configure({ 'metered.yaml': { port: 8000 } }, {});
    expect(await told()).toContain('meter@h1:8000/told');
  });

  test('a component that is stopped is still there, and is not wanted to run', async () => {
    const target = { service: 'metered', component: 'meter', hosts: ['h1'] };
    await world.run('b', { command: 'stop', target });
    const states = (await one()).services[0]?.hostComponents
      .filter(({ component }) => component === 'meter')
      .map(({ host, desired, metrics }) => [host, desired, metrics?.port]);
    expect(states).toEqual([
      ['h1', 'INSTALLED', 7000],
      ['h2', 'RUNNING', 7000],
    ]);
  });
});
