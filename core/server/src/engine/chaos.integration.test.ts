import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestPostgres, type TestPostgres } from '../postgres/testing.ts';
import { EngineWorld, until } from './testing/world.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres('embedded');
});
afterAll(() => postgres?.stop());

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

test.each([1, 2, 3, 4])(
  'servers killed and agents cut off at random times (seed %i): jobs end, nothing starts twice',
  async (seed) => {
    const random = seeded(seed);
    const world = await EngineWorld.open(await postgres.createDatabase(), { leaseMs: 5_000 });
    try {
      await world.serve();
      const agents = await Promise.all(['a', 'b', 'c', 'd'].map((name) => world.agent(name)));
      for (const agent of agents) agent.script = async () => (await delay(random() * 20), {});
      const jobs: string[] = [];
      for (const name of ['one', 'two']) {
        const clusterId = await world.cluster(name);
        const pair = name === 'one' ? agents.slice(0, 2) : agents.slice(2);
        for (const size of [25, 15]) {
          const tasks = Array.from({ length: size }, (_, node) => ({
            host: pair[node % 2]!,
            after: Array.from({ length: Math.min(node, 2) }, () => Math.floor(random() * node)),
          }));
          jobs.push(await world.job(clusterId, tasks));
        }
      }
      const ended = async () =>
        (await Promise.all(jobs.map((id) => world.jobRow(id)))).every(
          ({ state }) => !['PENDING', 'RUNNING'].includes(state),
        );
      for (let round = 0; round < 25 && !(await ended()); round++) {
        await delay(random() * 60);
        if (random() < 0.5) await world.restart();
        else agents[Math.floor(random() * 4)]!.cut();
        // Whoever has no stream to the present server comes back; a stream may break at any moment meanwhile.
        await Promise.all(agents.map((agent) => (agent.cut(), agent.connect(world.address))));
      }
      await until(ended);
      for (const id of jobs) expect(await world.jobRow(id)).toMatchObject({ state: 'SUCCESSFUL' });
      const starts = agents.flatMap((agent) => [...agent.starts]);
      expect(starts.filter(([, count]) => count > 1)).toEqual([]);
      expect(starts).toHaveLength(80);
      await until(() => agents.every((agent) => agent.held.size === 0));
    } finally {
      await world.clean();
    }
  },
);
