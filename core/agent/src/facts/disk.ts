import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The file system that holds the agent's root; in bytes. */
export interface DiskFact {
  readonly total: number;
  /** What an ordinary user may still write. */
  readonly free: number;
}

export async function disk({ root }: { readonly root: string }): Promise<DiskFact> {
  const { bsize, blocks, bavail } = await statfsOfNearest(root);
  return { total: bsize * blocks, free: bsize * bavail };
}

/** The root may not exist yet; what counts is where it would be. */
async function statfsOfNearest(path: string): Promise<StatsFs> {
  try {
    return await statfs(path);
  } catch (error) {
    if (dirname(path) === path) throw error;
    return statfsOfNearest(dirname(path));
  }
}
