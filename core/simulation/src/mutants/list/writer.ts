import type { Mutant } from '../mutant.ts';

const folder = 'core/server/src/engine/writer';

export const writerMutants: readonly Mutant[] = [
  {
    name: 'told-without-an-answer',
    file: `${folder}/step.ts`,
    text: `    const failures = flight.failures + 1;
`,
    replacement: `    const failures = flight.failures + 1;
    if (flight.work) return this.#done(flight.work);
`,
    breaks: 'A commit without an answer counts as done.',
  },
  {
    name: 'fence-not-minded',
    file: `${folder}/step.ts`,
    text: 'if (fenced) return this.#look(flight);',
    replacement: '',
    breaks: 'A server that was fenced takes its commits for done.',
  },
];
