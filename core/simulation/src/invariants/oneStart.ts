import type { Invariant } from './invariant.ts';

export const oneStart: Invariant = {
  name: 'I1',
  sentence: 'The script of an attempt starts once at most, ever.',
  checker() {
    const started = new Set<string>();
    return (observation) => {
      if (observation.kind !== 'scriptStarted') return undefined;
      const { attemptId, host } = observation;
      if (started.has(attemptId)) return `${attemptId} started a second time, on host ${host}.`;
      started.add(attemptId);
      return undefined;
    };
  },
};
