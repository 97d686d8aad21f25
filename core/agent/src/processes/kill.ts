import { readFileSync, readdirSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { type Group, killGroup, mechanismOf, processesIn, removeGroup } from './cgroups.ts';
import { ProcessesSurviveError } from './errors.ts';
import type { Mechanism } from './hierarchies.ts';
import { identityOf, isAlive, type ProcessIdentity, readBootId, statOf } from './identity.ts';

/** An environment variable given at exec, by which descendants are found in /proc wherever they went. */
export interface Cookie {
  readonly name: 'STACKYARD_ATTEMPT' | 'STACKYARD_COMPONENT';
  readonly value: string;
}

/** What processes that belong together are found by. */
export interface Trace {
  readonly cookie: Cookie;
  /** The cgroup that holds all of them, whatever became of the cookie. */
  readonly group?: Group | undefined;
}

export interface EndOptions extends Trace {
  /** The process whose group gets the signals too; used only while it is recognised. */
  readonly leader?: ProcessIdentity;
  /** How long SIGTERM may take before SIGKILL; 0 kills at once. */
  readonly graceMs: number;
  /** Give up and throw after this long of SIGKILL, 10 s unless told. */
  readonly killLimitMs?: number;
}

export interface EndReport {
  /** How everything was found. */
  readonly mechanism: Mechanism;
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

/** Values of the variable that begin so, in the environments at exec of all running processes but this one. */
export async function cookiesBeginningWith(name: Cookie['name'], prefix: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  let scanned = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    scanned += 1;
    if (scanned % scansBetweenTurns === 0) await nextTurn();
    for (const variable of environmentOf(entry).split('\0')) {
      if (variable.startsWith(`${name}=${prefix}`)) found.add(variable.slice(name.length + 1));
    }
  }
  return found;
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}

/**
 * Ends everything in the cgroup and everything that carries the cookie: SIGTERM, the grace, then SIGKILL until two scans in a
 * row find nobody, so that a fork loop cannot outrun it. The empty cgroup is removed.
 * @throws ProcessesSurviveError when something hangs in the kernel
 */
export async function endProcesses(options: EndOptions): Promise<EndReport> {
  const { cookie, group = [], graceMs, killLimitMs = 10_000 } = options;
  const bootId = readBootId();
  const mechanism = mechanismOf(group);
  const forced = graceMs <= 0 || !(await terminate(options, bootId));
  const deadline = performance.now() + killLimitMs;
  for (let empty = 0; empty < 2;) {
    await killGroup(group);
    const killed = await signalAll(options, ['SIGKILL'], bootId);
    empty = killed.length === 0 ? empty + 1 : 0;
    if (performance.now() > deadline) throw new ProcessesSurviveError(`${cookie.name}=${cookie.value}`, killed);
    if (empty < 2) await delay(secondScanMs);
  }
  removeGroup(group);
  return { mechanism, forced };
}

/** SIGTERM and the grace; true when nobody was left before it passed. What stopped itself is woken to take the signal. */
async function terminate(options: EndOptions, bootId: string): Promise<boolean> {
  const { leader, graceMs } = options;
  const deadline = performance.now() + graceMs;
  await signalAll(options, ['SIGTERM', 'SIGCONT'], bootId);
  while (performance.now() < deadline) {
    if (leader && isAlive(leader, bootId)) await delay(10);
    else if ((await membersOf(options, bootId)).length === 0) return true;
    else await delay(25);
  }
  return false;
}

async function membersOf({ cookie, group = [] }: EndOptions, bootId: string): Promise<number[]> {
  const carriers = await findByCookie(cookie, bootId);
  const alive = carriers.filter((carrier) => isAlive(carrier, bootId)).map(({ pid }) => pid);
  return [...new Set([...alive, ...processesIn(group)])];
}

async function signalAll(options: EndOptions, signals: readonly NodeJS.Signals[], bootId: string): Promise<number[]> {
  const { leader } = options;
  const tell = (pid: number): void => signals.forEach((signal) => send(pid, signal));
  // As long as the leader's entry exists, be it a zombie, its number cannot mean another group.
  if (leader && leader.bootId === bootId && statOf(leader.pid)?.startTime === leader.startTime) {
    if (statOf(leader.pid)?.groupId === leader.pid) tell(-leader.pid);
    else if (isAlive(leader, bootId)) tell(leader.pid);
  }
  const members = await membersOf(options, bootId);
  members.forEach(tell);
  return members;
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
