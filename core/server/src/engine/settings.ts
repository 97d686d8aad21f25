import type { GreetingRate } from './gateway/admission.ts';
import type { Retention } from './trim.ts';

const DAY_MS = 86_400_000;

/** Times in milliseconds. */
export interface EngineSettings {
  readonly heartbeatMs: number;
  /** How long an agent may be silent before its host is shown as unreachable. */
  readonly leaseMs: number;
  /** How long a host may be silent before its running attempts are given up. */
  readonly lostAfterMs: number;
  /** Between the polite and the forced end of a canceled attempt. */
  readonly killGraceMs: number;
  /** Tasks that run on one host at the same time. */
  readonly tasksPerHost: number;
  /** How often the queues are read again: what a request stored that nobody heard the end of is found then. */
  readonly queuesReadMs: number;
  readonly retention: Retention;
  /** How fast agents that come back all at once are greeted. */
  readonly greeting: GreetingRate;
}

export const defaultSettings: EngineSettings = {
  heartbeatMs: 5_000,
  leaseMs: 30_000,
  lostAfterMs: 600_000,
  killGraceMs: 10_000,
  tasksPerHost: 8,
  queuesReadMs: 10_000,
  retention: { eventsMs: 14 * DAY_MS, auditMs: 400 * DAY_MS, lateMs: 90 * DAY_MS },
  greeting: { perSecond: 800, burst: 200, longestWaitMs: 5_000 },
};
