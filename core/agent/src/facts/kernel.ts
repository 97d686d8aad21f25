import { release } from 'node:os';
import { readBootId } from '../processes/identity.ts';

export interface KernelFact {
  readonly release: string;
  /** Changes with every start of the machine. */
  readonly bootId: string;
}

export async function kernel(): Promise<KernelFact> {
  return { release: release(), bootId: readBootId() };
}
