import { readFileSync } from 'node:fs';

/** A process that can be recognised again: a pid alone is given out anew, with start time and boot it never is. */
export interface Identity {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startTime: number;
  readonly bootId: string;
}

/** The identity of a running process; undefined when there is none of that pid. A zombie does not run. */
export function identityOf(pid: number): Identity | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in it may hold spaces and parentheses.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return {
      pid,
      startTime: Number(fields[19]),
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    };
  } catch {
    return undefined;
  }
}

export function isAlive({ pid, startTime, bootId }: Identity): boolean {
  const now = identityOf(pid);
  return now !== undefined && now.startTime === startTime && now.bootId === bootId;
}
