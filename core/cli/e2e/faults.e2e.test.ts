import { expect, test } from 'vitest';
import { runFaults } from './faults/run.ts';

/** Another plan in every run; a failure names the seed, and `npm run faults -- --seed` makes that plan again. */
const seed = Math.floor(Math.random() * 2 ** 31);

test(`after 50 random kills of server, agents and runners no task is lost, doubled or stuck (seed ${seed})`, async () => {
  const { rules, killed } = await runFaults({ kills: 50, seed, tasks: 200 });
  expect(Object.values(killed).reduce((sum, count) => sum + count, 0)).toBe(50);
  const broken = rules.filter(({ breaches }) => breaches.length > 0);
  expect(broken, `seed ${seed}`).toEqual([]);
});
