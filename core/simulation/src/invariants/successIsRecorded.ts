import type { Invariant } from './invariant.ts';

export const successIsRecorded: Invariant = {
  name: 'I4',
  sentence: 'What is SUCCESSFUL has exit 0 of the same envelope on the disk of its host.',
  checker() {
    const successes = new Map<string, string>();
    return (observation) => {
      if (observation.kind === 'exitDurable' && observation.reason === undefined) {
        successes.set(observation.attemptId, observation.hash);
      }
      if (observation.kind !== 'committed' || observation.after.state !== 'SUCCESSFUL') return undefined;
      const { id, envelopeHash } = observation.after;
      const hash = successes.get(id);
      if (hash === undefined) return `${id} is SUCCESSFUL, but no disk says so.`;
      return hash === envelopeHash ? undefined : `${id} is SUCCESSFUL with another envelope than was run.`;
    };
  },
};
