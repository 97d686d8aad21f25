import { type Invariant, taskOf } from './invariant.ts';

export const oneLiveAttempt: Invariant = {
  name: 'I2',
  sentence: 'Of two attempts of a task never both have processes.',
  checker: () => (observation, facts) => {
    if (observation.kind !== 'scriptStarted') return undefined;
    const { attemptId } = observation;
    const task = taskOf(attemptId);
    for (const other of facts.living.keys()) {
      if (other !== attemptId && taskOf(other) === task) return `${attemptId} started while ${other} had processes.`;
    }
    return undefined;
  },
};
