import { cpu } from './cpu.ts';
import { disk } from './disk.ts';
import { isolation } from './isolation.ts';
import { java } from './java.ts';
import { kernel } from './kernel.ts';
import { memory } from './memory.ts';
import { network } from './network.ts';
import { os } from './os.ts';
import { tools } from './tools.ts';

export type { CpuFact } from './cpu.ts';
export type { DiskFact } from './disk.ts';
export type { IsolationFact } from './isolation.ts';
export type { Jdk } from './java.ts';
export type { KernelFact } from './kernel.ts';
export type { MemoryFact } from './memory.ts';
export type { NetworkFact } from './network.ts';
export type { OsFact } from './os.ts';
export type { ToolsFact } from './tools.ts';

export interface FactContext {
  /** The agent's root directory; disk space is measured there. */
  readonly root: string;
}

const sources = {
  os,
  cpu,
  memory,
  disk,
  network,
  kernel,
  isolation,
  tools,
  java: () => java(),
} satisfies Record<string, (context: FactContext) => Promise<unknown>>;

type Sources = typeof sources;

/** What is known of the host; a fact that could not be found out is absent. */
export type Facts = { readonly [Name in keyof Sources]?: Awaited<ReturnType<Sources[Name]>> };

/** Finds out all facts at once, in a few milliseconds; no program is started. One that fails leaves the others be. */
export async function collectFacts(
  context: FactContext,
  onFailure: (name: string, error: unknown) => void = () => undefined,
): Promise<Facts> {
  const found = await Promise.all(
    Object.entries(sources).map(async ([name, find]) => {
      try {
        return [[name, await find(context)] as const];
      } catch (error) {
        onFailure(name, error);
        return [];
      }
    }),
  );
  return Object.fromEntries(found.flat());
}
