import type { Invariant } from './invariant.ts';

/** Beside the grace: the scans, a slow disk, a clock that goes at half speed. */
const SLACK_MS = 5_000;

export const cancelEnds: Invariant = {
  name: 'I10',
  sentence: 'When a cancel was answered, no process of the attempt is left after the grace and five seconds.',
  checker() {
    const answered = new Map<string, { readonly at: number; readonly host: number }>();
    const buried = new Set<string>();
    return (observation, facts) => {
      if (observation.kind === 'cancelAnswered') {
        const { attemptId, host, phase } = observation;
        if (phase === 'TOMBSTONE') buried.add(attemptId);
        else if (phase !== 'EXITED' && !answered.has(attemptId)) answered.set(attemptId, { at: facts.now, host });
        return undefined;
      }
      if (observation.kind === 'scriptStarted' && buried.has(observation.attemptId)) {
        return `${observation.attemptId} started after its cancel was answered with a tombstone.`;
      }
      for (const [attemptId, { at, host }] of answered) {
        if (!facts.living.has(attemptId)) continue;
        const sinceMs = facts.now - at;
        const allowedMs = (facts.settings.killGraceMs + SLACK_MS) * 2;
        if (sinceMs > allowedMs && facts.undisturbedMs(host) > sinceMs) {
          return `${attemptId} still has processes ${Math.round(sinceMs)} ms after its cancel was answered.`;
        }
      }
      return undefined;
    };
  },
};
