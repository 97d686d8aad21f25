import { isTerminal } from '@stackyard/domain';
import type { Invariant } from './invariant.ts';

export const everythingEnds: Invariant = {
  name: 'I11',
  sentence: 'When faults are over, every task and job is terminal within a bounded time.',
  checker:
    () =>
    (observation, { tables }) => {
      if (observation.kind !== 'converged') return undefined;
      for (const { id, state } of tables.tasks.values()) if (!isTerminal(state)) return `Task ${id} is still ${state}.`;
      for (const { id, state } of tables.jobs.values()) if (!isTerminal(state)) return `Job ${id} is still ${state}.`;
      return undefined;
    },
};
