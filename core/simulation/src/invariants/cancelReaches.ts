import { type Invariant, taskOf } from './invariant.ts';

/** Beside the grace: slow databases and networks, and a clock that goes at half speed. */
const SLACK_MS = 60_000;

export const cancelReaches: Invariant = {
  name: 'I10c',
  sentence: 'No script of a canceled job runs for long on a host that is in touch with the server.',
  checker() {
    const canceledAt = new Map<string, number>();
    return (observation, facts) => {
      if (observation.kind === 'canceled') canceledAt.set(observation.jobId, facts.now);
      if (observation.kind === 'restored') canceledAt.clear();
      for (const attemptId of facts.living.keys()) {
        const wanted = facts.wanted.get(taskOf(attemptId));
        const at = canceledAt.get(wanted?.jobId ?? '');
        if (!wanted || at === undefined) continue;
        const job = facts.tables.jobs.get(wanted.jobId);
        const row = facts.tables.attempts.get(attemptId);
        // It was tried again, or what runs was given up before.
        if (job?.cancelRequested !== true || row?.state !== 'RUNNING') continue;
        const allowedMs = (facts.settings.killGraceMs + SLACK_MS) * 2;
        const sinceMs = Math.min(facts.now - at, facts.undisturbedMs(wanted.host));
        if (sinceMs > allowedMs) return `${attemptId} still runs ${Math.round(sinceMs)} ms after its job was canceled.`;
      }
      return undefined;
    };
  },
};
