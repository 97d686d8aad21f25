import { type Invariant, taskOf } from './invariant.ts';

export const orderOfTasks: Invariant = {
  name: 'I5',
  sentence: 'A task starts only when all before it are SUCCESSFUL, which is committed.',
  checker() {
    const successful = new Set<string>();
    return (observation, facts) => {
      if (observation.kind === 'committed' && observation.after.state === 'SUCCESSFUL') {
        successful.add(observation.after.taskId);
      }
      if (observation.kind !== 'scriptStarted') return undefined;
      const wanted = facts.wanted.get(taskOf(observation.attemptId));
      const missing = wanted?.after.find((taskId) => !successful.has(taskId));
      return missing === undefined ? undefined : `${observation.attemptId} started before ${missing} was SUCCESSFUL.`;
    };
  },
};
