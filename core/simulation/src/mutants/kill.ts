/** A process of its own that runs mutants: their names as arguments, a line of JSON for each. */
import { mutants } from './list/index.ts';
import { load } from './load.ts';

/** So many seeds a mutant has to survive to count as alive. */
export const SEEDS = 400;

for (const name of process.argv.slice(2)) {
  const mutant = mutants.find((candidate) => candidate.name === name);
  if (!mutant) throw new Error(`There is no mutant ${name}.`);
  const { firstFailure } = await load(mutant);
  const first = Array.from({ length: SEEDS }, (_, index) => index + 1);
  const failure = firstFailure(mutant.seed === undefined ? first : [mutant.seed, ...first]);
  const killed = failure && {
    seed: failure.seed,
    invariant: failure.violation.invariant,
    detail: failure.violation.detail,
  };
  process.stdout.write(`${JSON.stringify({ name, killed })}\n`);
}
