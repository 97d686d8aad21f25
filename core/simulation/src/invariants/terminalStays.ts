import { isTerminal } from '@stackyard/domain';
import type { Invariant } from './invariant.ts';

export const terminalStays: Invariant = {
  name: 'I3',
  sentence: 'A terminal attempt never changes, and its script does not start any more.',
  checker: () => (observation, facts) => {
    if (observation.kind === 'scriptStarted') {
      const row = facts.tables.attempts.get(observation.attemptId);
      return row && isTerminal(row.state)
        ? `${observation.attemptId} started when it was ${row.state} (${row.reason}) already.`
        : undefined;
    }
    if (observation.kind !== 'committed') return undefined;
    const { before, after } = observation;
    if (!before || !isTerminal(before.state)) return undefined;
    const isSame = before.state === after.state && before.reason === after.reason;
    return isSame
      ? undefined
      : `${after.id} was ${before.state} (${before.reason}) and became ${after.state} (${after.reason}).`;
  },
};
