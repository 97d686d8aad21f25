import type { Invariant } from './invariant.ts';

export const logIsPrefix: Invariant = {
  name: 'I7',
  sentence: 'The log on the server is the beginning of what the script wrote, byte for byte.',
  checker: () => (observation) =>
    observation.kind === 'logStored' && !observation.same
      ? `The first ${observation.bytes} bytes of the log of ${observation.attemptId} are not those that were written.`
      : undefined,
};
