import type { Invariant } from './invariant.ts';

/** By so much the clock of the server may be ahead. */
const MARGIN_MS = 2_000;

export const startsInLease: Invariant = {
  name: 'I12',
  sentence:
    'Nothing is started later than two seconds before the end of a lease, which counts from the sending of a heartbeat.',
  checker: () => (observation) => {
    if (observation.kind !== 'startAllowed' && observation.kind !== 'startAsked') return undefined;
    const { kind, attemptId, at, leaseEnd } = observation;
    const leftMs = leaseEnd - at;
    if (leftMs > MARGIN_MS - 0.01) return undefined;
    const what = kind === 'startAsked' ? 'is started' : 'may be started until';
    return `${attemptId} ${what} ${Math.round(leftMs)} ms before the end of the lease.`;
  },
};
