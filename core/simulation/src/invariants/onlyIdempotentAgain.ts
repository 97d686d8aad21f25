import { type Invariant, taskOf } from './invariant.ts';

export const onlyIdempotentAgain: Invariant = {
  name: 'G5',
  sentence: 'Only what is idempotent gets another attempt by itself, and only one.',
  checker() {
    const renewed = new Set<string>();
    return (observation, { wanted, tables }) => {
      if (observation.kind === 'restored') renewed.clear();
      // Those of a retry are made by its transaction.
      if (observation.kind !== 'committed' || observation.before || observation.after.number === 1) return undefined;
      const { id } = observation.after;
      if (wanted.get(taskOf(id))?.plan.idempotent !== true) return `${id} was made by itself, and is not idempotent.`;
      const isSecond = renewed.has(`${taskOf(id)}/${observation.after.number - 1}`);
      renewed.add(id);
      return isSecond && tables.attempts.has(id) ? `${id} is the second in a row that nobody asked for.` : undefined;
    };
  },
};
