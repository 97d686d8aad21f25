import { expect, test } from 'vitest';
import { scenarioOf } from './scenario/generate.ts';
import type { Scenario } from './scenario/scenario.ts';
import { shrink } from './shrink.ts';

test('of a scenario only what it takes to fail is left', () => {
  const from = seedWith(({ faults, jobs }) => faults.length > 8 && jobs.length > 3);
  const last = from.faults.at(-1)!;
  const job = from.jobs.at(-1)!;
  const task = job.layers.at(-1)!.tasks.at(-1)!;
  const fails = ({ faults, jobs }: Scenario): boolean =>
    faults.some(({ at }) => at === last.at) &&
    jobs.some(({ name, layers }) => name === job.name && layers.some(({ tasks }) => tasks.includes(task)));
  const { scenario } = shrink(from, { fails });
  expect(scenario.faults).toEqual([last]);
  expect(scenario.requests).toEqual([]);
  expect(scenario.jobs.map(({ name, layers }) => [name, layers.map(({ tasks }) => tasks)])).toEqual([
    [job.name, [[task]]],
  ]);
  expect(scenario.network).toEqual({ loss: 0, duplicates: 0, jitterMs: 0, latencyMs: 1 });
});

function seedWith(isWanted: (scenario: Scenario) => boolean): Scenario {
  for (let seed = 1; ; seed += 1) {
    const scenario = scenarioOf(seed);
    if (isWanted(scenario)) return scenario;
  }
}
