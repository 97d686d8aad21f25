import { mkdir, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { writeDurably } from '../spool/durable.ts';
import { componentGroup } from './cgroups.ts';
import { isAlive } from './identity.ts';
import { endProcesses, send } from './kill.ts';
import { isLocked, takeLock } from './lock.ts';
import { keeperOf, type ProcessExit, readSpec, readState } from './state.ts';

export interface StopOptions {
  /** How long the process may take to end after the signal before everything of the component is killed. */
  readonly stopMs: number;
  readonly signal?: NodeJS.Signals;
}

export interface StopReport {
  /** How the process ended; undefined when none was running. */
  readonly exit: ProcessExit | undefined;
  /** Whether it had to be killed. */
  readonly forced: boolean;
}

/** What a stopped process may answer: 0, or the signal it was sent (a JVM ends with 143 after SIGTERM). */
export function isCleanExit(code: number | undefined): boolean {
  return code === undefined || code === 0 || code === 143;
}

/**
 * Stops a component: `desired=stopped` durably, the keeper told to end, the signal, and after `stopMs` SIGKILL. At the end
 * nothing of the component is left, neither its keeper. Safe to repeat after a crash in the middle.
 */
export async function stopComponent(dir: string, { stopMs, signal = 'SIGTERM' }: StopOptions): Promise<StopReport> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const before = readState(dir);
  await writeDurably(`${dir}/desired`, 'stopped\n');
  await writeFile(`${dir}/stop`, '', { mode: 0o600 });

  const hadProcess = before.alive;
  const ended = await untilEnded(dir, signal, stopMs);
  if (!ended) {
    // The process first: its keeper then records how it ended.
    const { process } = readState(dir);
    if (process && isAlive(process)) send(-process.pid, 'SIGKILL');
    await untilEnded(dir, signal, 500);
  }
  const stored = readSpec(dir);
  if (stored) {
    const cookie = { name: 'STACKYARD_COMPONENT', value: stored.hostComponentId } as const;
    await endProcesses({ cookie, group: componentGroup(dir), graceMs: 0 });
  }
  const after = readState(dir);
  const sawExit = after.lastExit !== undefined && after.lastExit.pid === after.process?.pid;
  const exit = (hadProcess || after.restarts !== before.restarts) && sawExit ? after.lastExit : undefined;
  return { exit, forced: !ended };
}

/** Signals whatever process there is, once each, and wakes the keeper, until both are gone; false when time ran out. */
async function untilEnded(dir: string, signal: NodeJS.Signals, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  let told: number | undefined;
  for (let round = 0; ; round += 1) {
    const { process, alive, keeperAlive } = readState(dir);
    if (!alive && !keeperAlive && !(await isLocked(`${dir}/keeper.lock`))) return true;
    // The keeper may have started one more process before it saw the stop file, so look anew each time.
    if (alive && process && told !== process.startTime) {
      told = process.startTime;
      send(process.pid, signal);
    }
    const keeper = keeperOf(dir);
    if (round % 10 === 0 && keeper && isAlive(keeper)) send(keeper.pid, 'SIGUSR1');
    if (performance.now() > deadline) return false;
    await delay(5);
  }
}

/**
 * Runs a task's work while the keeper starts nothing: a crash in the meantime is followed by a restart only afterwards.
 * Starting and stopping the component needs no such hold, and a start inside it would wait for itself.
 */
export async function withoutRestarts<T>(dir: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const lock = await takeLock(`${dir}/task.lock`, { waitMs: 10_000 });
  try {
    return await work();
  } finally {
    lock.release();
  }
}
