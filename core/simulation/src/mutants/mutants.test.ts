import { expect, test } from 'vitest';
import { mutants } from './list/index.ts';
import { editsOf, occurrences } from './load.ts';
import { type Fate, runMutants } from './run.ts';

const LIMIT_MS = 900_000;

test('what a mutant replaces stands exactly once in its file', () => {
  const stale = mutants.flatMap((mutant) =>
    editsOf(mutant).flatMap((edit) => (occurrences(edit) === 1 ? [] : [`${mutant.name}: ${occurrences(edit)} times`])),
  );
  expect(stale).toEqual([]);
});

test('mutants have names of their own', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  expect(mutants.length).toBeGreaterThanOrEqual(30);
});

test(
  'every mistake in the protocol breaks an invariant',
  async () => {
    const names = mutants.map(({ name }) => name);
    const fates: Fate[] = [];
    for await (const fate of runMutants(names, LIMIT_MS)) fates.push(fate);
    expect(fates.map(({ name }) => name)).toEqual(names);
    expect(fates.filter(({ killed }) => !killed).map(({ name }) => name)).toEqual([]);
  },
  LIMIT_MS,
);
