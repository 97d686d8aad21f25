import { readFileSync } from 'node:fs';
import { processesIn } from './world.ts';

export interface Memory {
  readonly processes: number;
  /** What they have for themselves, and their share of what several have. */
  readonly mebibytes: number;
}

/** What the processes below a directory take of the machine, by the main class, program or script of each. */
export async function memoryIn(dir: string): Promise<Readonly<Record<string, Memory>>> {
  const found: Record<string, Memory> = {};
  for (const pid of await processesIn(dir)) {
    try {
      const pss = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1];
      const name = nameOf(readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0'));
      const before = found[name] ?? { processes: 0, mebibytes: 0 };
      found[name] = { processes: before.processes + 1, mebibytes: before.mebibytes + Number(pss ?? 0) / 1024 };
    } catch {
      // It ended while we looked.
    }
  }
  return Object.fromEntries(
    Object.entries(found)
      .toSorted(([, a], [, b]) => b.mebibytes - a.mebibytes)
      .map(([name, { processes, mebibytes }]) => [name, { processes, mebibytes: Math.round(mebibytes) }]),
  );
}

function nameOf([program = '', ...args]: readonly string[]): string {
  const own = program.split('/').at(-1) ?? program;
  if (own === 'java')
    return (
      args
        .find((arg) => /^[a-z]+(\.\w+)+$/.test(arg))
        ?.split('.')
        .at(-1) ?? own
    );
  if (own === 'node') return ['server', 'agent'].find((word) => args.includes(word)) ?? own;
  return own.split(/[ :]/)[0] ?? own;
}
