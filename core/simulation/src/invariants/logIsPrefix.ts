import type { Invariant } from './invariant.ts';

export const logIsPrefix: Invariant = {
  name: 'I7',
  sentence: 'The log on the server is the beginning of what the agent keeps, byte for byte, and in the end all of it.',
  checker: () => (observation) => {
    if (observation.kind === 'logStored' && !observation.same) {
      return `The first ${observation.bytes} bytes of the log of ${observation.attemptId} are not those that were written.`;
    }
    if (observation.kind !== 'logEnded') return undefined;
    const { attemptId, kept, stored, complete } = observation;
    if (stored >= kept && complete) return undefined;
    return `The log of ${attemptId} has ${stored} bytes of ${kept} and is ${complete ? 'taken for complete' : 'not complete'}.`;
  },
};
