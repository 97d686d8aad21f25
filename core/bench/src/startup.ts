import { figureOf, type Report } from './figures.ts';
import { type Memory, familyOf, memoryOf } from './world/usage.ts';
import { World } from './world/world.ts';

const COLD = 3;
const WARM = 7;

/** From the start of the server's process until everything listens: on an empty directory, and again on the same. */
export async function benchStartup({ report }: { report: Report }): Promise<void> {
  const [cold, warm] = [[] as number[], [] as number[]];
  for (let round = 0; round < COLD; round++) {
    const world = await World.make({ stacks: false });
    const warmRounds = round === COLD - 1 ? WARM : 0;
    try {
      cold.push((await world.startServer()).readyMs);
      for (let n = 0; n < warmRounds; n++) {
        await world.stopServer();
        warm.push((await world.startServer()).readyMs);
      }
    } finally {
      await world.close();
    }
  }
  report(figureOf({ name: 'server ready, first start on an empty directory', unit: 'ms' }, cold));
  report(figureOf({ name: 'server ready, warm start', unit: 'ms', aim: '< 2,000' }, warm));
}

export interface MemoryOf {
  readonly what: string;
  readonly server: number;
  readonly postmaster: number;
  readonly agent?: number;
}

/** Resident memory as it is now; of the database by its share, for its processes share most of theirs. */
export async function reportMemory({ what, server, postmaster, agent }: MemoryOf, report: Report): Promise<void> {
  const one = (name: string, { rss, pss }: Memory, aim: string): void => {
    report(figureOf({ name: `${name}, ${what}: resident`, unit: 'MB', aim }, [rss]));
    report(figureOf({ name: `${name}, ${what}: proportional`, unit: 'MB' }, [pss]));
  };
  one('server', await memoryOf(server), '< 200');
  if (agent !== undefined) one('agent', await memoryOf(agent), '< 80');
  const { pss } = await memoryOf(...(await familyOf(postmaster)));
  report(figureOf({ name: `embedded PostgreSQL, ${what}: proportional`, unit: 'MB' }, [pss]));
}
