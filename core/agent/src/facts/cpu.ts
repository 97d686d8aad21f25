import { availableParallelism, cpus } from 'node:os';

export interface CpuFact {
  /** How many threads this process may run at once; a container may have fewer than the machine. */
  readonly count: number;
  readonly model: string;
}

export async function cpu(): Promise<CpuFact> {
  return { count: availableParallelism(), model: cpus()[0]?.model.trim() ?? '' };
}
