import type { Desired, Phase } from './vocabulary.ts';

/**
 * What an operator wants of a host component after a phase succeeded on it; undefined where the phase says nothing
 * about it.
 */
export const desiredAfter: Readonly<Partial<Record<Phase, Desired>>> = {
  install: 'INSTALLED',
  start: 'RUNNING',
  stop: 'INSTALLED',
  remove: 'ABSENT',
};

/**
 * How far a host component is on its way out: it is being emptied, it is empty, or it is taken in again. One that only
 * works has none of these.
 */
export const LEAVING = ['DRAINING', 'DRAINED', 'RETURNING'] as const;
export type Leaving = (typeof LEAVING)[number];

/** Whether the others of its service are to do without it. */
export function isLeaving(leaving: Leaving | null | undefined): boolean {
  return leaving === 'DRAINING' || leaving === 'DRAINED';
}
