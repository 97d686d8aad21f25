import { expect, test } from 'vitest';
import { killPlan } from './plan.ts';

test('the same seed gives the same kills, another seed others', () => {
  expect(killPlan({ kills: 50, seed: 7 })).toEqual(killPlan({ kills: 50, seed: 7 }));
  expect(killPlan({ kills: 50, seed: 7 })).not.toEqual(killPlan({ kills: 50, seed: 8 }));
});

test('every plan of fifty kills has servers, agents and runners in it', () => {
  for (let seed = 0; seed < 200; seed++) {
    const targets = new Set(killPlan({ kills: 50, seed }).map(({ target }) => target));
    expect([...targets].toSorted(), `seed ${seed}`).toEqual(['agent', 'runner', 'server']);
  }
});
