import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Hierarchy, hierarchies, type Mechanism, ours } from './hierarchies.ts';
import { identityOf } from './identity.ts';

/**
 * Directories of one set of processes, one in each hierarchy that has a part in it: the first one is the one it is ended
 * by. Nothing leaves it but by root's own hand, neither by a new session nor with an empty environment. Empty where no
 * hierarchy may be written.
 */
export type Group = readonly string[];

const freezeLimitMs = 500;
const pollMs = 5;

/** The file that tells what a directory of a hierarchy is good for, best first. */
const signs: readonly (readonly [file: string, mechanism: Mechanism])[] = [
  ['cgroup.kill', 'cgroup-v2'],
  ['freezer.state', 'cgroup-v1-freezer'],
  ['pids.max', 'cgroup-v1-pids'],
];

let known: Hierarchy[] | undefined;

type Kind = 'attempts' | 'components';

/** Where the attempt with this cookie shall live; not made yet. */
export function attemptGroup(spoolDir: string, cookie: string): Group {
  return parentsOf('attempts', spoolDir).map((parent) => join(parent, cookie));
}

/** Where the keeper and the process of a component live, so that the end of the task that started them is not theirs. */
export function componentGroup(dir: string): Group {
  return parentsOf('components', dirname(dir)).map((parent) => join(parent, `c-${basename(dir)}`));
}

/** Cookies of attempts of a spool of which groups are there. */
export function cookiesOfGroups(spoolDir: string): string[] {
  return parentsOf('attempts', spoolDir)
    .flatMap(childrenOf)
    .map((dir) => basename(dir));
}

function parentsOf(kind: Kind, owner: string): string[] {
  known ??= hierarchies();
  const [first] = known;
  if (!first) return [];
  const parent = `${kind}-${createHash('sha256').update(owner).digest('hex').slice(0, 16)}`;
  // A second one only for the number of processes: in a hybrid of v1 and v2 nothing else can limit it.
  const limiting = known.find(({ mechanism }) => mechanism === 'cgroup-v1-pids');
  const tops = limiting && limiting !== first ? [first.top, limiting.top] : [first.top];
  return tops.map((top) => join(top, ours, parent));
}

/** What processes of this host are ended by. */
export function mechanismHere(): Mechanism {
  known ??= hierarchies();
  return known[0]?.mechanism ?? 'cookie-scan';
}

export function mechanismOf(group: Group): Mechanism {
  const [first] = group;
  return signs.find(([file]) => first !== undefined && existsSync(join(first, file)))?.[1] ?? 'cookie-scan';
}

/**
 * Moves this process into the group, making it, with a limit on its processes and threads where the kernel can keep one.
 * Takes some 10 ms, most of it the kernel's wait for a quiet moment. Gives back what of the group was joined.
 */
export function joinGroup(group: Group, { maxProcesses }: { readonly maxProcesses: number }): Group {
  return group.filter((dir) => {
    // Whoever sweeps empty groups may do so between the two steps.
    for (let round = 0; round < 3; round += 1) {
      try {
        mkdirSync(dir, { recursive: true, mode: 0o755 });
        limit(dir, maxProcesses);
        writeFileSync(join(dir, 'cgroup.procs'), String(process.pid));
        return true;
      } catch {
        continue;
      }
    }
    return false;
  });
}

/** Moves this process out again, for one that ends by itself with nobody to clean up after it. */
export function leaveGroup(group: Group): void {
  for (const dir of group) {
    const top = dir.split(`/${ours}/`)[0]!;
    attempt(() => writeFileSync(join(top, 'cgroup.procs'), String(process.pid)));
  }
  removeGroup(group);
}

/** What lives in the group now, in the groups below it too. */
export function processesIn(group: Group): number[] {
  const pids = new Set(group.flatMap((dir) => directoriesBelow(dir).flatMap(pidsIn)));
  pids.delete(process.pid);
  return [...pids].filter((pid) => identityOf(pid) !== undefined);
}

/** SIGKILL to all of the group at once, so that nobody can fork away in between. */
export async function killGroup(group: Group): Promise<void> {
  const [first] = group;
  if (first === undefined) return;
  switch (mechanismOf(group)) {
    case 'cgroup-v2':
      attempt(() => writeFileSync(join(first, 'cgroup.kill'), '1'));
      break;
    case 'cgroup-v1-freezer':
      return killFrozen(first, group);
    case 'cgroup-v1-pids':
      attempt(() => writeFileSync(join(first, 'pids.max'), '0'));
      break;
    case 'cookie-scan':
      return;
  }
  killAll(group);
}

async function killFrozen(dir: string, group: Group): Promise<void> {
  const state = join(dir, 'freezer.state');
  const deadline = performance.now() + freezeLimitMs;
  try {
    attempt(() => writeFileSync(state, 'FROZEN'));
    // Something in the middle of a system call on a dead disk never freezes; the others die all the same.
    while (textOf(state).trim() === 'FREEZING' && performance.now() < deadline) await delay(pollMs);
    killAll(group);
  } finally {
    attempt(() => writeFileSync(state, 'THAWED'));
  }
}

function killAll(group: Group): void {
  for (const pid of processesIn(group)) attempt(() => process.kill(pid, 'SIGKILL'));
}

/** Removes the group's directories, and the parents that were made for them when they are empty then. */
export function removeGroup(group: Group): void {
  for (const dir of group) {
    directoriesBelow(dir).forEach(removeDirectory);
    if (dir.includes(`/${ours}/`) && removeDirectory(dirname(dir))) removeDirectory(dirname(dirname(dir)));
  }
}

/**
 * Removes all empty groups, also those that an agent which is gone left behind. Another agent's group that is just being
 * made may be among them; whoever makes one tries again.
 */
export function sweepGroups(): void {
  known ??= hierarchies();
  for (const { top } of known) {
    for (const parent of childrenOf(join(top, ours))) {
      removeGroup(childrenOf(parent));
      if (removeDirectory(parent)) removeDirectory(dirname(parent));
    }
  }
}

/** In v2 the controller has to be handed down from the top, which only works where no process is in the way. */
function limit(dir: string, maxProcesses: number): void {
  const own = join(dir, 'pids.max');
  if (!existsSync(own) && existsSync(join(dir, 'cgroup.kill'))) {
    const parents = [dirname(dirname(dirname(dir))), dirname(dirname(dir)), dirname(dir)];
    for (const parent of parents) attempt(() => writeFileSync(join(parent, 'cgroup.subtree_control'), '+pids'));
  }
  if (existsSync(own)) attempt(() => writeFileSync(own, String(maxProcesses)));
}

/** Deepest first. */
function directoriesBelow(dir: string): string[] {
  return [...childrenOf(dir).flatMap(directoriesBelow), dir];
}

function childrenOf(dir: string): string[] {
  try {
    const entries = readdirSync(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(dir, name));
  } catch {
    return [];
  }
}

function pidsIn(dir: string): number[] {
  return textOf(join(dir, 'cgroup.procs'))
    .split('\n')
    .filter((line) => line !== '' && line !== '0')
    .map(Number);
}

function removeDirectory(dir: string): boolean {
  try {
    rmdirSync(dir);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
  return true;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** What fails here is looked at again in the next round, or has no remedy. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // gone, or refused
  }
}
