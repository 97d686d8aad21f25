import { readFileSync } from 'node:fs';

/** A process that can be recognised again: a pid alone is reused, pid + start time + boot id never is. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot: field 22 of /proc/PID/stat. */
  readonly startTime: number;
  /** The kernel's boot id at that time. */
  readonly bootId: string;
}

export const bootIdFile = '/proc/sys/kernel/random/boot_id';

/** The boot id of the running kernel; another file can be given to act out a reboot. */
export function readBootId(file: string = bootIdFile): string {
  return readFileSync(file, 'utf8').trim();
}

export interface ProcessStat {
  readonly state: string;
  readonly parentPid: number;
  readonly groupId: number;
  readonly startTime: number;
}

/** Parses the text of /proc/PID/stat. The name in it may hold spaces and parentheses, so the text is cut after the last ')'. */
export function parseStat(text: string): ProcessStat | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parentPid, groupId] = fields;
  const startTime = fields[19];
  if (!state || parentPid === undefined || groupId === undefined || startTime === undefined) return undefined;
  return { state, parentPid: Number(parentPid), groupId: Number(groupId), startTime: Number(startTime) };
}

/** The stat of a pid, or undefined when there is no such process. */
export function statOf(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The identity of a pid now, or undefined when nothing of that pid runs (a zombie does not run). */
export function identityOf(pid: number, bootId: string = readBootId()): ProcessIdentity | undefined {
  const stat = statOf(pid);
  return stat && runs(stat) ? { pid, startTime: stat.startTime, bootId } : undefined;
}

/** Whether exactly this process still runs; a zombie (Z) or dead (X) one does not, nor one of another boot. */
export function isAlive(identity: ProcessIdentity, bootId: string = readBootId()): boolean {
  const stat = statOf(identity.pid);
  return stat !== undefined && runs(stat) && stat.startTime === identity.startTime && identity.bootId === bootId;
}

/** Parses the line "pid starttime bootid" that the keeper and the locks write. */
export function parseIdentity(line: string): ProcessIdentity | undefined {
  const match = /^(\d+) (\d+) (\S+)$/.exec(line.trim());
  return match ? { pid: Number(match[1]), startTime: Number(match[2]), bootId: match[3]! } : undefined;
}

function runs(stat: ProcessStat): boolean {
  return stat.state !== 'Z' && stat.state !== 'X';
}
