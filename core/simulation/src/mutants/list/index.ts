import type { Mutant } from '../mutant.ts';
import { engineMutants } from './engine.ts';
import { executorMutants } from './executor.ts';
import { guardMutants } from './guards.ts';
import { logMutants } from './logs.ts';
import { sessionMutants } from './session.ts';
import { sessionsMutants } from './sessions.ts';
import { writerMutants } from './writer.ts';

export const mutants: readonly Mutant[] = [
  ...sessionMutants,
  ...executorMutants,
  ...sessionsMutants,
  ...engineMutants,
  ...writerMutants,
  ...logMutants,
  ...guardMutants,
];
