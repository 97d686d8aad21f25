import { RotationStepError } from './errors.ts';

/**
 * How far one authority has taken over from the other. SETTLED: there is one. INTRODUCED: both are trusted, the old one
 * signs. SWITCHED: both are trusted, the new one signs.
 */
export type RotationPhase = 'SETTLED' | 'INTRODUCED' | 'SWITCHED';
export const rotationSteps = ['start', 'switch', 'finish', 'rollback'] as const;
export type RotationStep = (typeof rotationSteps)[number];

export interface Rotation {
  readonly phase: RotationPhase;
  /** SHA-256 of the authority that signs until the switch. */
  readonly current: string;
  /** Of the one that is to take over. */
  readonly next?: string;
}

/** Where each step leads from each phase; a step that is not here is not possible. */
const steps: Readonly<Record<RotationPhase, Partial<Record<RotationStep, RotationPhase>>>> = {
  SETTLED: { start: 'INTRODUCED' },
  INTRODUCED: { switch: 'SWITCHED', rollback: 'SETTLED' },
  SWITCHED: { finish: 'SETTLED', rollback: 'INTRODUCED' },
};

/** The steps that can be taken from a phase. */
export function possibleSteps(phase: RotationPhase): RotationStep[] {
  return rotationSteps.filter((step) => steps[phase][step] !== undefined);
}

/** @param made SHA-256 of the authority that `start` brings in. @throws RotationStepError */
export function stepRotation(rotation: Rotation, step: RotationStep, made?: string): Rotation {
  const { phase, current, next = made } = rotation;
  const to = steps[phase][step];
  if (to === undefined || next === undefined)
    throw new RotationStepError({ step, phase, possible: possibleSteps(phase) });
  if (to === 'SETTLED') return { phase: to, current: step === 'finish' ? next : current };
  return { phase: to, current, next };
}
