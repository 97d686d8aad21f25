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
