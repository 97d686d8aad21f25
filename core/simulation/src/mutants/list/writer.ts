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
  {
    name: 'batch-lost-on-failure',
    file: `${folder}/step.ts`,
    text: '    else this.#execute(work, flight);',
    replacement: `    else {
      state.flight = undefined;
      this.#proceed();
    }`,
    breaks: 'What a failed commit was to write is forgotten.',
  },
];
