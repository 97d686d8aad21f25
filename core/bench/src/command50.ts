import { setTimeout as delay } from 'node:timers/promises';
import { figureOf, type Report } from './figures.ts';
import type { JobAnswer } from './world/api.ts';
import type { World } from './world/world.ts';

const HOSTS = 50;
const AT_ONCE = 4;
const WARM_ROUNDS = 5;
/** Longer than idle runners are kept. */
const COLD_MS = 65_000;
/** A hundred processes start meanwhile on the cores of one machine. */
const REFILL_MS = 15_000;
/** What Salt needs for its `test.ping` with a real process on each of 50 minions, on a machine like this one. */
const SALT_MS = 4_100;

/** One command that starts a real process on each of 50 local agents, to the last stored result. */
export async function benchCommand50(world: World, { report }: { readonly report: Report }): Promise<void> {
  const { api } = world;
  const hosts = Array.from({ length: HOSTS }, (_, index) => `host-${index + 1}`);
  const waiting = [...hosts];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let host = waiting.shift(); host; host = waiting.shift()) await world.startAgent(host);
    }),
  );
  await api.post('/clusters', { name: 'fifty', hosts });
  await api.run('fifty', {
    command: 'add',
    services: [{ service: 'mock', components: { worker: hosts, follower: [] } }],
  });
  await delay(COLD_MS);
  const cold = [await oneCommand(world)];
  const warm: number[] = [];
  for (let round = 0; round < WARM_ROUNDS; round++) {
    await delay(REFILL_MS);
    warm.push(await oneCommand(world));
  }
  const aim = `< ${SALT_MS / 10}`;
  report(figureOf({ name: 'a process on each of 50 agents, runners ready', unit: 'ms', aim }, warm));
  const ratios = warm.map((ms) => ms / SALT_MS);
  report(figureOf({ name: '  by what Salt was measured at elsewhere', unit: 'ratio', aim: '< 0.1' }, ratios));
  report(figureOf({ name: 'a process on each of 50 agents, no runner ready', unit: 'ms' }, cold));
}

async function oneCommand({ api }: World): Promise<number> {
  const begin = performance.now();
  const { id } = await api.post<JobAnswer>('/clusters/fifty/commands', { command: 'check', target: {} });
  const { counts } = await api.finished(id);
  const took = performance.now() - begin;
  if (counts['SUCCESSFUL'] !== HOSTS) throw new Error(`Not every host has a result: ${JSON.stringify(counts)}`);
  return took;
}
