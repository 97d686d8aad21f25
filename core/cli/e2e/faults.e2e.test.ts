import { afterAll, expect, test } from 'vitest';
import { type FaultsOutcome, runFaults } from './faults/run.ts';

/** Another plan in every run; a failure names the seed, and `npm run faults -- --seed` makes that plan again. */
const seed = Math.floor(Math.random() * 2 ** 31);

let running: Promise<FaultsOutcome> | undefined;
// A run that took too long is ended like one that failed: nothing of it is left.
afterAll(() => running?.catch(() => undefined));

test(`after 50 random kills of server, agents and runners no task is lost, doubled or stuck (seed ${seed})`, async ({
  signal,
}) => {
  running = runFaults({ kills: 50, seed, tasks: 200, signal });
  const { rules, killed } = await running;
  expect(Object.values(killed).reduce((sum, count) => sum + count, 0)).toBe(50);
  const broken = rules.filter(({ breaches }) => breaches.length > 0);
  expect(broken, `seed ${seed}`).toEqual([]);
});
