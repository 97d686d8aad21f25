import { isTerminal } from '@stackyard/domain';
import { type Invariant, taskOf } from './invariant.ts';

export const oldestJobFirst: Invariant = {
  name: 'I6',
  sentence: 'Nothing of a job starts while an older job of its cluster is not over.',
  checker: () => (observation, facts) => {
    if (observation.kind !== 'scriptStarted') return undefined;
    const { attemptId } = observation;
    // After a restore from a backup agents may still carry out what no row tells of.
    if (facts.tables.attempts.get(attemptId)?.state !== 'RUNNING') return undefined;
    const job = facts.tables.jobs.get(facts.wanted.get(taskOf(attemptId))?.jobId ?? '');
    if (!job) return undefined;
    for (const other of facts.tables.jobs.values()) {
      if (other.clusterId !== job.clusterId || other.position >= job.position || isTerminal(other.state)) continue;
      return `${attemptId} of job ${job.id} started while job ${other.id}, which is older, was ${other.state}.`;
    }
    return undefined;
  },
};
