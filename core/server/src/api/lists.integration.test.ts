import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, testPostgresKinds, type TestPostgres } from '../postgres/testing.ts';
import { plainDefinition } from './testing/stacks.ts';
import { ServerWorld } from './testing/world.ts';

describe.each(testPostgresKinds())('lists on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let world: ServerWorld;
  let jobId = '';
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
    world = await ServerWorld.start(await postgres.createDatabase(), {
      stacks: [
        { name: 'demo' },
        { name: 'demo', version: '1.1.0' },
        { name: 'other', definition: plainDefinition('a-c', 'ab', 'b') },
      ],
    });
    // Locales sort these names in other orders than their codes do.
    await world.join('h-1', 'h1', 'h-2', 'h.3', 'H4');
    await world.cluster('a', ['h-1', 'h1', 'h-2'], { demo: true });
    for (const name of ['a-b', 'ab', 'b', 'c-1']) await world.cluster(name);
    for (const service of ['b', 'ab', 'a-c'])
      await world.run('a', { command: 'add', services: [{ service, components: { only: ['h1'] } }] });
    for (const threads of [5, 6, 7, 8]) {
      jobId = (
        await world.run('a', {
          command: 'configure',
          target: { service: 'demo' },
          config: { 'demo.properties': { threads } },
        })
      ).id;
    }
  });
  afterAll(async () => {
    await world?.close();
    await postgres?.stop();
  });

  async function firstTask(): Promise<string> {
    return (await world.get(`/jobs/${jobId}/tasks?limit=1`)).body.items[0].id;
  }

  /** Items without what moves with every heartbeat, also between two pages. */
  const lasting = (items: readonly object[]) => items.map((item) => ({ ...item, lastSeenAt: undefined }));

  test.each([
    ['/stacks', 3],
    ['/stacks?name=%40stack%2Fdemo', 2],
    ['/clusters', 5],
    ['/hosts', 5],
    ['/hosts?cluster=a', 3],
    ['/hosts?cluster=none', 2],
    ['/clusters/a/services', 4],
    ['/clusters/a/components', 7],
    ['/clusters/a/components?service=demo', 4],
    ['/clusters/a/services/demo/config/versions', 5],
    ['/jobs', 8],
    ['/jobs?cluster=a&state=SUCCESSFUL,FAILED', 8],
    ['/jobs?state=FAILED', 0],
    ['/jobs/{job}/tasks', undefined],
    ['/tasks/{task}/attempts', 1],
  ])('%s: pages of two hold every item exactly once', async (path, count) => {
    const url = path.replace('{job}', jobId).replace('{task}', await firstTask());
    const whole = (await world.get(`${url}${url.includes('?') ? '&' : '?'}limit=500`)).body;
    expect(whole.nextCursor).toBeNull();
    if (count !== undefined) expect(whole.items).toHaveLength(count);
    for (const limit of [2, 1]) expect(lasting(await world.walk(url, limit))).toEqual(lasting(whole.items));
  });

  test('what comes in meanwhile neither repeats nor hides what was there', async () => {
    const before = (await world.get('/clusters?limit=500')).body.items.map(({ id }: { id: string }) => id);
    const seen = (await world.walk('/clusters', 2, async (page) => void (await world.cluster(`new-${page}`)))).map(
      ({ id }) => id,
    );
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(before));

    const jobs = (await world.get('/jobs?limit=500')).body.items.map(({ id }: { id: string }) => id);
    const walked = (
      await world.walk(
        '/jobs',
        2,
        async () => void (await world.run('a', { command: 'check', target: { service: 'demo' } })),
      )
    ).map(({ id }) => id);
    expect(walked).toEqual(jobs);
  });

  test('a stack that leaves between two pages leaves the place in the list', async () => {
    const first = (await world.get('/stacks?limit=1')).body;
    const { installedAt, version, name } = first.items[0];
    // The same place, in a list that has lost the item which names it.
    const cursor = Buffer.from(JSON.stringify({ after: `${name} ${installedAt} ${version}x` })).toString('base64url');
    expect((await world.get(`/stacks?cursor=${cursor}`)).body.items).toHaveLength(2);
  });

  test.each([
    ['/clusters', 'garbage'],
    ['/clusters', ''],
    ['/clusters', Buffer.from('{"after":1}').toString('base64url')],
    ['/clusters', Buffer.from('{"after":"a\\u0000"}').toString('base64url')],
    ['/clusters', Buffer.from('{"after":"a","more":1}').toString('base64url')],
    ['/jobs', Buffer.from('{"after":"a"}').toString('base64url')],
    ['/jobs', Buffer.from('{"after":1e300}').toString('base64url')],
    ['/jobs', Buffer.from('{"after":1.5}').toString('base64url')],
    ['/jobs', Buffer.from('{"after":null}').toString('base64url')],
    ['/stacks', Buffer.from('{"after":2}').toString('base64url')],
  ])('%s refuses the cursor %j, which it never gave', async (path, cursor) => {
    const answer = await world.get(`${path}?cursor=${cursor}`);
    expect([answer.status, answer.body.code]).toEqual([400, 'CURSOR_INVALID']);
  });

  test.each([
    'limit=0',
    'limit=501',
    'limit=-1',
    'limit=1.5',
    'limit=',
    'limit=ten',
    'limit=1&limit=2',
    'sort=name',
    'Limit=2',
  ])('a list refuses ?%s', async (query) => {
    const answer = await world.get(`/clusters?${query}`);
    expect([answer.status, answer.body.code]).toEqual([400, 'VALIDATION_FAILED']);
  });
});
