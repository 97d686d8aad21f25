import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, testPostgresKinds, type TestPostgres } from '../postgres/testing.ts';
import { plainDefinition } from './testing/stacks.ts';
import { ServerWorld } from './testing/world.ts';

describe.each(testPostgresKinds())('lists on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let world: ServerWorld;
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
    world = await ServerWorld.start(await postgres.createDatabase(), { stacks: [{ name: 'demo' }, { name: 'demo', version: '1.1.0' }, { name: 'other', definition: plainDefinition('a-c', 'ab', 'b') }] });
    await world.join('h-1', 'h1', 'h-2', 'h.3', 'H4');
    await world.cluster('a', ['h-1', 'h1', 'h-2'], { demo: true });
    for (const name of ['a-b', 'ab', 'b', 'c-1']) await world.cluster(name);
  });
  afterAll(async () => {
    await world?.close();
    await postgres?.stop();
  });

  const names = (items: { name: string }[]) => items.map(({ name }) => name);

  test('what was set up stands', async () => {
    expect((await world.get('/server')).status).toBe(200);
    expect(names((await world.get('/clusters')).body.items)).toHaveLength(5);
  });
});
