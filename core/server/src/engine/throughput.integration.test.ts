import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, type TestPostgres } from '../postgres/testing.ts';
import { EngineWorld, until } from './testing/world.ts';

// Figures are printed, never asserted: what the machine does beside this is not known.
describe('how fast jobs run', () => {
  let postgres: TestPostgres;
  let world: EngineWorld;
  beforeAll(async () => {
    postgres = await startTestPostgres('embedded');
    world = await EngineWorld.open(await postgres.createDatabase(), { leaseMs: 30_000, heartbeatMs: 5_000 });
    await world.serve();
  });
  afterAll(async () => {
    await world?.clean();
    await postgres?.stop();
  });

  test('jobs of one task, one after the other', async () => {
    const agent = await world.agent('single');
    const clusterId = await world.cluster('single');
    const times: number[] = [];
    for (let round = 0; round < 60; round++) {
      const ended = Promise.withResolvers<void>();
      const begun = performance.now();
      const jobId = world.job(clusterId, [{ host: agent }]);
      const undo = world.engine!.events.subscribe(() => {
        if (world.engine!.stats().endedAttempts['SUCCESSFUL'] === round + 1) ended.resolve();
      });
      await ended.promise;
      undo();
      times.push(performance.now() - begun);
      expect(await world.ended(await jobId)).toBe('SUCCESSFUL');
    }
    times.splice(0, 10);
    times.sort((a, b) => a - b);
    console.log(
      `one-task job: median ${times[25]!.toFixed(1)} ms, min ${times[0]!.toFixed(1)}, max ${times.at(-1)!.toFixed(1)}`,
    );
  });

  test.each([200, 2000])('%i tasks on 20 agents', async (count) => {
    const agents = await Promise.all(Array.from({ length: 20 }, (_, index) => world.agent(`n${count}-${index}`)));
    const tasks = Array.from({ length: count }, (_, index) => ({
      host: agents[index % 20]!,
      after: index >= 100 ? [index - 100] : [],
    }));
    const clusterId = await world.cluster(`n${count}`);
    const submitted = performance.now();
    const jobId = await world.job(clusterId, tasks);
    const begun = performance.now();
    await until(() => world.engine!.stats().runningJobs === 1);
    await until(() => world.engine!.stats().runningJobs === 0, 60_000);
    const seconds = (performance.now() - begun) / 1000;
    expect(await world.ended(jobId)).toBe('SUCCESSFUL');
    const { commitMs } = world.engine!.stats();
    console.log(
      `${count} tasks: stored in ${(begun - submitted).toFixed(0)} ms, run in ${seconds.toFixed(2)} s = ${(count / seconds).toFixed(0)}/s; mean commit ${(commitMs.sum / commitMs.count).toFixed(1)} ms`,
    );
  });
});
