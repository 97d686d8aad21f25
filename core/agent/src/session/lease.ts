import type { ServerSays } from './messages.ts';
import type { Lease, Link, SessionState } from './state.ts';

/** An attempt is not started in the last two seconds of a lease: the server may see time pass a little faster. */
export const MARGIN_MS = 2_000;

export function isLive(lease: Lease | undefined, now: number): lease is Lease {
  return lease !== undefined && now < startUntil(lease);
}

/** Monotonic time until which attempts may be started. */
export function startUntil({ from, leaseMs }: Lease): number {
  return from + leaseMs - MARGIN_MS;
}

/**
 * A heartbeat was answered: the lease counts from its sending, not from the arrival of the answer, and the server says how
 * often to beat from now on.
 */
export function renew(
  state: SessionState,
  link: Link,
  { n, leaseMs, heartbeatMs }: Extract<ServerSays, { kind: 'heartbeatAck' }>,
): SessionState {
  const from = link.beats.get(n);
  if (from === undefined) return state;
  const beats = new Map([...link.beats].filter(([beat]) => beat > n));
  const lease = state.lease && state.lease.from > from ? state.lease : { from, leaseMs };
  const welcome = link.welcome && heartbeatMs > 0 ? { ...link.welcome, heartbeatMs } : link.welcome;
  return { ...state, lease, link: { ...link, welcome, beats } };
}
