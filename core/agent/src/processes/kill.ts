import { readFileSync, readdirSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { ProcessesSurviveError } from './errors.ts';
import { identityOf, isAlive, type ProcessIdentity, readBootId, statOf } from './identity.ts';

/** An environment variable given at exec, by which descendants are found in /proc wherever they went. */
export interface Cookie {
  readonly name: 'STACKYARD_ATTEMPT' | 'STACKYARD_COMPONENT';
  readonly value: string;
}

export interface EndOptions {
  readonly cookie: Cookie;
  /** The process whose group gets the signals too; used only while it is recognised. */
  readonly leader?: ProcessIdentity;
  /** How long SIGTERM may take before SIGKILL; 0 kills at once. */
  readonly graceMs: number;
  /** Give up and throw after this long of SIGKILL, 10 s unless told. */
  readonly killLimitMs?: number;
}

export interface EndReport {
  /** How everything was found. A process that cleared its environment escapes a cookie scan. */
  readonly mechanism: 'cookie-scan';
  /** Whether SIGTERM did not suffice. */
  readonly forced: boolean;
}

const scansBetweenTurns = 200;
const secondScanMs = 20;

/** Every running process whose environment at exec carries the cookie, except this process. */
export async function findByCookie(cookie: Cookie, bootId: string = readBootId()): Promise<ProcessIdentity[]> {
  const wanted = Buffer.from(`\0${cookie.name}=${cookie.value}\0`);
  const found: ProcessIdentity[] = [];
  let scanned = 0;
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    scanned += 1;
    // A host may have thousands of processes; heartbeats must not wait for the whole scan.
    if (scanned % scansBetweenTurns === 0) await nextTurn();
    const identity = carries(pid, wanted) ? identityOf(pid, bootId) : undefined;
    if (identity) found.push(identity);
  }
  return found;
}

/**
 * Ends everything that carries the cookie: SIGTERM to the group and to all carriers, the grace, then SIGKILL until two scans
 * in a row find nobody, so that a fork loop cannot outrun it.
 * @throws ProcessesSurviveError when something hangs in the kernel
 */
export async function endProcesses({ cookie, leader, graceMs, killLimitMs = 10_000 }: EndOptions): Promise<EndReport> {
  const bootId = readBootId();
  const forced = graceMs <= 0 || !(await terminate(cookie, leader, graceMs, bootId));
  const deadline = performance.now() + killLimitMs;
  for (let empty = 0; empty < 2;) {
    const killed = await signalAll(cookie, leader, 'SIGKILL', bootId);
    empty = killed.length === 0 ? empty + 1 : 0;
    if (performance.now() > deadline) throw new ProcessesSurviveError(`${cookie.name}=${cookie.value}`, killed);
    if (empty < 2) await delay(secondScanMs);
  }
  return { mechanism: 'cookie-scan', forced };
}

/** SIGTERM and the grace; true when nobody was left before it passed. */
async function terminate(cookie: Cookie, leader: ProcessIdentity | undefined, graceMs: number, bootId: string) {
  const deadline = performance.now() + graceMs;
  await signalAll(cookie, leader, 'SIGTERM', bootId);
  while (performance.now() < deadline) {
    if (leader && isAlive(leader, bootId)) await delay(10);
    else if ((await findByCookie(cookie, bootId)).length === 0) return true;
    else await delay(25);
  }
  return false;
}

async function signalAll(
  cookie: Cookie,
  leader: ProcessIdentity | undefined,
  signal: NodeJS.Signals,
  bootId: string,
): Promise<number[]> {
  // As long as the leader's entry exists, be it a zombie, its number cannot mean another group.
  if (leader && leader.bootId === bootId && statOf(leader.pid)?.startTime === leader.startTime) {
    if (statOf(leader.pid)?.groupId === leader.pid) send(-leader.pid, signal);
    else if (isAlive(leader, bootId)) send(leader.pid, signal);
  }
  const carriers = await findByCookie(cookie, bootId);
  const told: number[] = [];
  for (const process of carriers) {
    if (!isAlive(process, bootId)) continue;
    send(process.pid, signal);
    told.push(process.pid);
  }
  return told;
}

/** Sends a signal; a process that is gone already is no error. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone, or not ours to signal: the next scan tells
  }
}

function carries(pid: number, wanted: Buffer): boolean {
  try {
    const environ = readFileSync(`/proc/${pid}/environ`);
    return environ.indexOf(wanted) >= 0 || environ.subarray(0, wanted.length - 1).equals(wanted.subarray(1));
  } catch {
    return false;
  }
}
