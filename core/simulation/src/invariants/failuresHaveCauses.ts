import type { Reason } from '@stackyard/domain';
import type { Facts, Observation } from '../world/ledger.ts';
import { type Invariant, taskOf } from './invariant.ts';

/** What has happened that may fail an attempt. */
class Causes {
  readonly #killed = new Map<string, 'fault' | 'power'>();
  readonly #journalsLost = new Set<number>();
  readonly #rebooted = new Set<number>();
  readonly #failed = new Set<string>();

  see(observation: Observation): void {
    if (observation.kind === 'killed') this.#killed.set(observation.attemptId, observation.by);
    if (observation.kind === 'rebooted') this.#rebooted.add(observation.host);
    if (observation.kind === 'journalLost') this.#journalsLost.add(observation.host);
    if (observation.kind === 'scriptEnded' && observation.exitCode !== 0) this.#failed.add(observation.attemptId);
  }

  /** Whether an attempt may have failed for the reason; of other reasons nothing is known here. */
  allow(reason: Reason, attemptId: string, host: number, facts: Facts): boolean {
    switch (reason) {
      case 'LOST':
        return this.#killed.get(attemptId) === 'fault' || facts.silentMs(host) >= facts.settings.lostAfterMs;
      case 'HOST_REBOOTED':
        return this.#rebooted.has(host);
      case 'AGENT_STATE_LOST':
        return this.#journalsLost.has(host);
      case 'EXIT_NONZERO':
        return this.#failed.has(attemptId);
      case 'KILLED':
      case 'USER_CANCEL':
        return isCanceled(attemptId, facts);
      case 'TIMEOUT':
      case 'ARTIFACT_INTEGRITY':
      case 'PACKAGE_UNAVAILABLE':
      case 'SPOOL_FULL':
      case 'EXPIRED_BEFORE_START':
      case 'DEPENDENCY_FAILED':
        return true;
    }
  }
}

export const failuresHaveCauses: Invariant = {
  name: 'G6',
  sentence: 'Neither a restart nor a partition fails what runs: whatever has failed has a cause that fits its reason.',
  checker() {
    const causes = new Causes();
    let restored = false;
    return (observation, facts) => {
      causes.see(observation);
      // What a restored database has forgotten looks like a failure to it.
      if (observation.kind === 'restored') restored = true;
      if (observation.kind !== 'committed' || restored) return undefined;
      const { id, state, reason, message } = observation.after;
      const isEnd = observation.before?.state !== state && (state === 'FAILED' || state === 'CANCELED');
      const host = facts.wanted.get(taskOf(id))?.host ?? -1;
      if (!isEnd || !reason || causes.allow(reason, id, host, facts)) return undefined;
      return `${id} is ${state} (${reason}: ${message}), and nothing gave cause for that.`;
    };
  },
};

function isCanceled(attemptId: string, { tables, wanted }: Facts): boolean {
  return tables.jobs.get(wanted.get(taskOf(attemptId))?.jobId ?? '')?.cancelRequested === true;
}
