import { readdirSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { isMachineBusy } from '../processes/contention.ts';
import { monotonicMs } from './entry.ts';
import { lookAgainMs } from './quietMoment.ts';

const longestMs = 1_000;

/**
 * For a process whose work is told and done. What the kernel has to do for its end costs as much as a small task, and nobody
 * waits for it: on a busy machine it comes when others are done, a second later at most, and gives way to them then.
 * Blocks, so that nothing of the process runs meanwhile.
 */
export function giveWay(): void {
  const begin = monotonicMs();
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const waitedMs = monotonicMs() - begin;
    const againMs = lookAgainMs({ waitedMs, longestMs, busy: isMachineBusy(), random: Math.random() });
    if (againMs === undefined) return yieldToOthers();
    Atomics.wait(never, 0, 0, againMs);
  }
}

function yieldToOthers(): void {
  try {
    for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), constants.priority.PRIORITY_LOW);
  } catch {
    // then they wait
  }
}
