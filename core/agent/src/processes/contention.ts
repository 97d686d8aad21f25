import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

let cores: number | undefined;

/**
 * Whether more threads run or could run than this many for each core; with one, somebody would have to wait for whatever is
 * started now. Both figures are the whole machine's, also in a container: what the container itself may have says nothing
 * about the others that wait.
 */
export function isMachineBusy(perCore = 1, loadFile = '/proc/loadavg'): boolean {
  cores ??= cpus().length;
  const runnable = runnableThreads(loadFile);
  // The one that asks runs too, and is done at once.
  return runnable !== undefined && runnable > cores * perCore;
}

/** How many threads of the machine run or could run, the one that asks included; undefined where no kernel tells. */
function runnableThreads(loadFile: string): number | undefined {
  try {
    const [, running] = /^\S+ \S+ \S+ (\d+)\/\d+ /.exec(readFileSync(loadFile, 'latin1')) ?? [];
    return running === undefined ? undefined : Number(running);
  } catch {
    return undefined;
  }
}
