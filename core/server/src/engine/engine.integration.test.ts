import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestPostgres, type TestPostgres, testPostgresKinds } from '../postgres/testing.ts';
import { EngineWorld, until } from './testing/world.ts';

describe.each(testPostgresKinds())('the engine on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let world: EngineWorld;
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
  });
  afterAll(() => postgres?.stop());
  beforeEach(async () => {
    world = await EngineWorld.open(await postgres.createDatabase());
    await world.serve();
  });
  afterEach(() => world.clean());

  test('runs a small graph to its end, each task after those it waits for', async () => {
    const [a, b] = [await world.agent('a'), await world.agent('b')];
    const order: string[] = [];
    a.script = ({ phase }) => (order.push(`a ${phase}`), {});
    b.script = ({ phase }) => (order.push(`b ${phase}`), {});
    const jobId = await world.job(await world.cluster('c'), [
      { host: a, phase: 'install' },
      { host: b, phase: 'install' },
      { host: a, phase: 'start', after: [0, 1] },
      { host: b, phase: 'check', after: [2] },
    ]);
    expect(await world.ended(jobId)).toBe('SUCCESSFUL');
    expect(order.slice(0, 2).toSorted()).toEqual(['a install', 'b install']);
    expect(order.slice(2)).toEqual(['a start', 'b check']);
    expect(await world.tasks(jobId)).toEqual(Array(4).fill('SUCCESSFUL 1'));
    await until(() => a.held.size + b.held.size === 0);
  });
});
