import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const ROUNDS = 40;
/** What the environments of component processes, and of scripts of tasks, have. */
const [COMPONENT, ATTEMPT] = ['STACKYARD_COMPONENT=', 'STACKYARD_ATTEMPT='] as const;

/**
 * Kills every component process that runs from below a folder, its keeper, which would start it again, and every script
 * of a task, which goes on without an agent: for an end in a hurry, when no job can stop them in their order any more.
 */
export async function killManaged(dir: string): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const pids = markedBelow(dir, [COMPONENT, ATTEMPT]);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    await delay(50);
  }
}

/** Processes that carry a component's mark and run below the folder. */
export function componentsBelow(dir: string): number[] {
  return markedBelow(dir, [COMPONENT]);
}

function markedBelow(dir: string, marks: readonly string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => marks.some((mark) => read(pid, 'environ').includes(mark)) && runs(pid) && runsBelow(pid, dir));
}

/** Whether a process has a path below the folder in what it was started with. */
export function runsBelow(pid: number, dir: string): boolean {
  return [read(pid, 'environ'), read(pid, 'cmdline'), folderOf(pid)].some((text) => text.includes(`${dir}/`));
}

function runs(pid: number): boolean {
  const stat = read(pid, 'stat');
  return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
