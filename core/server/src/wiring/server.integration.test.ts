import { connect, createServer, type Server } from 'node:net';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Listening } from '../api/testing/sse.ts';
import { ServerWorld } from '../api/testing/world.ts';
import { until } from '../engine/testing/world.ts';
import { startTestPostgres, testPostgresKinds, type TestPostgres } from '../postgres/testing.ts';

/** Every sentence of an error and its causes. */
function sentences(error: unknown): string {
  return error instanceof Error ? `${error.message}\n${sentences(error.cause)}` : '';
}

describe.each(testPostgresKinds())('a server on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let databaseUrl = '';
  const worlds: ServerWorld[] = [];
  const listeners: Server[] = [];
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
  });
  afterEach(async () => {
    await Promise.all(worlds.splice(0).map((world) => world.close()));
    await Promise.all(listeners.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });
  afterAll(() => postgres?.stop());

  async function start(options: Parameters<typeof ServerWorld.start>[1] = {}): Promise<ServerWorld> {
    databaseUrl = await postgres.createDatabase();
    const world = await ServerWorld.start(databaseUrl, options);
    worlds.push(world);
    return world;
  }

  const failure = (starting: Promise<ServerWorld>) => starting.then((world) => void worlds.push(world), sentences);
  const connections = (world: ServerWorld) =>
    world
      .sql<{ count: number }>(
        'select count(*)::int as count from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      )
      .then(([row]) => row?.count);

  test('everything is there again after a restart', async () => {
    const world = await start({ stacks: [{ name: 'demo' }] });
    await world.join('h1', 'h2');
    await world.cluster('c', ['h1', 'h2'], { demo: true });
    const { token, url: before } = world.server;
    const paths = [
      '/stacks',
      '/clusters',
      '/clusters/c/services',
      '/clusters/c/components',
      '/clusters/c/services/demo/config',
      '/jobs',
      '/clusters/c/exports',
    ];
    const read = () => Promise.all(paths.map(async (path) => (await world.get(path)).body));
    const [kept, installId] = [await read(), (await world.get('/server')).body.installId];
    await world.restart();
    expect(world.server.url).not.toBe('');
    expect(await read()).toEqual(kept);
    expect(world.server.token).toBe(token);
    expect((await world.get('/server')).body).toMatchObject({ installId });
    expect(
      (await world.get('/hosts')).body.items.map(({ name, reachable }: { name: string; reachable: boolean }) => [
        name,
        reachable,
      ]),
    ).toEqual([
      ['h1', true],
      ['h2', true],
    ]);
    expect(before).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  test('a version that nothing runs from is removed, and its artifact goes when the server starts again', async () => {
    const world = await start({ stacks: [{ name: 'demo' }, { name: 'demo', version: '1.1.0' }] });
    await world.join('h1');
    await world.cluster('c', ['h1'], { demo: true });
    const artifacts = () => readdir(join(world.dir, 'data/artifacts'));
    const { items } = (await world.get('/stacks')).body;
    const [used, unused] = ['1.1.0', '1.0.0'].map((version) =>
      items.find((each: { version: string }) => each.version === version),
    );
    expect(await world.send('DELETE', `/stacks/${used.id}`)).toMatchObject({
      status: 409,
      body: { code: 'STACK_IN_USE', detail: expect.stringContaining('demo of cluster c') },
    });
    expect((await world.send('DELETE', `/stacks/${unused.id}`)).status).toBe(204);
    expect((await world.get(`/stacks/${unused.id}`)).status).toBe(404);
    expect((await world.send('DELETE', `/stacks/${unused.id}`)).status).toBe(404);
    expect(await artifacts()).toContain(`${unused.digest}.tgz`);
    // With a configuration that names no stack any more: it would be installed again.
    await world.restart({ stacks: [] });
    expect(await artifacts()).toEqual([`${used.digest}.tgz`]);
    expect((await world.run('c', { command: 'restart', target: {} })).state).toBe('SUCCESSFUL');
  });

  test('a job goes on where it was when the server comes back', async () => {
    const world = await start({ stacks: [{ name: 'demo' }] });
    await world.join('h1');
    await world.cluster('c', ['h1'], { demo: true });
    const agent = world.agent('h1');
    agent.script = () => 'hold';
    const { body: job } = await world.post('/clusters/c/commands', {
      command: 'check',
      target: { component: 'worker', service: 'demo' },
    });
    await until(() => agent.held.size === 1);
    await world.restart();
    for (const id of agent.held.keys()) agent.finish(id);
    expect((await world.get(`/jobs/${job.id}?wait=30s`)).body.state).toBe('SUCCESSFUL');
    expect([...agent.starts.values()].every((count) => count === 1)).toBe(true);
  });

  test('a second server on the same database is refused with a sentence, and the first one does not notice', async () => {
    const world = await start();
    expect(await failure(ServerWorld.start(databaseUrl))).toMatch(/another (Stackyard )?server/i);
    expect((await world.get('/server')).status).toBe(200);
    await world.cluster('still');
  });

  test.each(['http', 'agents'] as const)('a taken port (%s) is named, and nothing is left running', async (which) => {
    const world = await start();
    const taken = createServer();
    listeners.push(taken);
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const other = await postgres.createDatabase();
    const said = await failure(ServerWorld.start(other, { [which]: { host: '127.0.0.1', port } }));
    expect(said).toMatch(new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is taken`));
    // What it had opened is closed: the next one starts on the same database.
    const next = await ServerWorld.start(other);
    worlds.push(next);
    expect((await next.get('/server')).status).toBe(200);
    expect((await world.get('/server')).status).toBe(200);
  });

  test.each([1, 2, 3])('it stops at once while streams are open and requests wait (%i)', async () => {
    const world = await start({ stacks: [{ name: 'demo' }] });
    await world.join('h1');
    await world.cluster('c', ['h1'], { demo: true });
    world.agent('h1').script = () => 'hold';
    const { body: job } = await world.post('/clusters/c/commands', { command: 'check', target: {} });
    const streams = await Promise.all(Array.from({ length: 10 }, () => Listening.open(world, '/events')));
    const waiting = Array.from({ length: 5 }, () => world.get(`/jobs/${job.id}?wait=60s`).catch(() => undefined));
    await Promise.all(streams.map((stream) => stream.untilHeard((heard) => heard.length > 0)));
    const { hostname, port } = new URL(world.server.url);
    const silent = connect(Number(port), hostname).on('error', () => undefined);
    await new Promise((resolve) => silent.once('connect', resolve));
    const startedMs = performance.now();
    await world.server.stop();
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    await Promise.all([...waiting, ...streams.map((stream) => stream.untilEnd())]);
    silent.destroy();
    await until(async () => (await connections(world)) === 0);
    await world.serve();
  });

  test('what is secret is for the owner only, and the token is kept as a hash', async () => {
    const world = await start({ stacks: [{ name: 'demo' }] });
    const { tokenFile, token } = world.server;
    expect((await readFile(tokenFile, 'utf8')).trim()).toBe(token);
    expect((await stat(tokenFile)).mode & 0o777).toBe(0o600);
    const dataDir = join(world.dir, 'data');
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    for (const entry of await readdir(dataDir, { withFileTypes: true }))
      expect([entry.name, (await stat(join(dataDir, entry.name))).mode & 0o077]).toEqual([entry.name, 0]);
    expect(JSON.stringify(await world.sql('select * from api_token'))).not.toContain(token);
  });

  test('a token file that was lost is made anew, and the old token is worth nothing', async () => {
    const world = await start();
    const old = world.server.token;
    await writeFile(world.server.tokenFile, '');
    await world.restart();
    expect(world.server.token).not.toBe(old);
    expect((await world.get('/server')).status).toBe(200);
    expect((await world.get('/server', { token: old })).status).toBe(401);
  });
});
