import type { Reason } from '@stackyard/domain';
import type { Invariant } from './invariant.ts';

/** Told by the agent, and not of what nobody can know. */
const told: ReadonlySet<Reason | null> = new Set<Reason>(['EXIT_NONZERO', 'TIMEOUT', 'KILLED', 'USER_CANCEL']);

export const failuresLeaveNothing: Invariant = {
  name: 'I13',
  sentence: 'Of what its agent says has failed or was ended no process is left.',
  checker:
    () =>
    (observation, { living }) => {
      if (observation.kind !== 'committed') return undefined;
      const { before, after } = observation;
      if (before?.state === after.state || !told.has(after.reason ?? null) || !living.has(after.id)) return undefined;
      // Withdrawn without a word to its agent, who may run it where an older database was put back: it hears when it returns.
      if (before?.state === 'PENDING') return undefined;
      return `${after.id} is ${after.state} (${after.reason}), and has processes.`;
    },
};
