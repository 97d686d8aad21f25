/** How often an agent is to say that it is there, and for how long its silence means nothing. */
export interface Pace {
  readonly heartbeatMs: number;
  readonly leaseMs: number;
}

/** Heartbeats of all agents together, at most: a large fleet must not be the server's work while it is idle. */
const BEATS_PER_SECOND = 200;

/** The pace for so many agents: as set, and slower in proportion for those that would beat too often together. */
export function paceOf(
  { heartbeatMs, leaseMs, lostAfterMs }: Pace & { readonly lostAfterMs: number },
  agents: number,
): Pace {
  const wanted = (agents * 1000) / BEATS_PER_SECOND / heartbeatMs;
  // What is given up must not be started any more: no lease is longer than that.
  const slower = Math.max(1, Math.min(wanted, lostAfterMs / leaseMs));
  return { heartbeatMs: Math.round(heartbeatMs * slower), leaseMs: Math.round(leaseMs * slower) };
}
