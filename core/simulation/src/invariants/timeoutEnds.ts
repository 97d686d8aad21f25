import { type Invariant, taskOf } from './invariant.ts';

/** Beside timeout and grace: a slow disk, the scans. */
const SLACK_MS = 10_000;

export const timeoutEnds: Invariant = {
  name: 'I10t',
  sentence: 'No script runs for longer than its timeout, the grace and ten seconds.',
  checker() {
    const startedAt = new Map<string, number>();
    return (observation, facts) => {
      if (observation.kind === 'scriptStarted') startedAt.set(observation.attemptId, facts.now);
      for (const attemptId of facts.living.keys()) {
        const at = startedAt.get(attemptId);
        const wanted = facts.wanted.get(taskOf(attemptId));
        if (at === undefined || !wanted) continue;
        // By a clock that goes at half speed.
        const allowedMs = (wanted.plan.timeoutMs + facts.settings.killGraceMs + SLACK_MS) * 2;
        const sinceMs = facts.now - at;
        if (sinceMs > allowedMs && facts.undisturbedMs(wanted.host) > sinceMs) {
          return `${attemptId} has run for ${Math.round(sinceMs)} ms, and may run for ${wanted.plan.timeoutMs} ms.`;
        }
      }
      return undefined;
    };
  },
};
