import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/** How everything of a group is found and ended. Only a scan for the cookie misses who cleared its environment. */
export type Mechanism = 'cgroup-v2' | 'cgroup-v1-freezer' | 'cgroup-v1-pids' | 'cookie-scan';

/** A hierarchy of cgroups below which this process may make some. */
export interface Hierarchy {
  readonly mechanism: Mechanism;
  readonly top: string;
}

/** The directory below each top that holds all that Stackyard makes. */
export const ours = 'stackyard';

const rank: readonly Mechanism[] = ['cgroup-v2', 'cgroup-v1-freezer', 'cgroup-v1-pids'];

/**
 * The hierarchies that can be written, best first. Below the mount itself where that is allowed: what lies there is
 * touched by no restart of the agent's own unit. Else below the cgroup this process is in, which may have been delegated.
 */
export function hierarchies(
  mounts: string = textOf('/proc/self/mounts'),
  memberships: string = textOf('/proc/self/cgroup'),
): Hierarchy[] {
  const found: Hierarchy[] = [];
  for (const line of mounts.split('\n')) {
    const [, mount = '', type, options = ''] = line.split(' ');
    const controller = options.split(',').find((option) => option === 'freezer' || option === 'pids');
    const mechanism = type === 'cgroup2' ? 'cgroup-v2' : type === 'cgroup' && controller && `cgroup-v1-${controller}`;
    if (!mechanism || mount.includes('\\')) continue;
    const own = ownPath(memberships, mechanism === 'cgroup-v2' ? '' : controller!);
    const top = [mount, join(mount, own)].find(isWritable);
    if (top && (mechanism !== 'cgroup-v2' || canKill(top))) found.push({ mechanism: mechanism as Mechanism, top });
  }
  return found.toSorted((a, b) => rank.indexOf(a.mechanism) - rank.indexOf(b.mechanism));
}

/** This process's path in a hierarchy, without the part of it that is a group of ours. */
function ownPath(memberships: string, controller: string): string {
  const line = memberships.split('\n').find((each) => each.split(':')[1]?.split(',').includes(controller));
  const path = line?.split(':').slice(2).join(':') ?? '/';
  return path.split(`/${ours}/`)[0] ?? '/';
}

function isWritable(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK);
    accessSync(join(dir, 'cgroup.procs'), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Kernels before 5.14 have no `cgroup.kill`, and the root of the hierarchy never has one: a child of it tells. */
function canKill(top: string): boolean {
  const child = [top, ...readdirSync(top).map((name) => join(top, name))].find((dir) =>
    existsSync(join(dir, 'cgroup.type')),
  );
  if (child !== undefined) return existsSync(join(child, 'cgroup.kill'));
  const probe = join(top, `${ours}-probe-${process.pid}`);
  try {
    mkdirSync(probe);
    const can = existsSync(join(probe, 'cgroup.kill'));
    rmdirSync(probe);
    return can;
  } catch {
    return false;
  }
}

/** A kernel without cgroups has no such file. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
