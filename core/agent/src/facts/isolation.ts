import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { mechanismHere } from '../processes/cgroups.ts';
import type { Mechanism } from '../processes/hierarchies.ts';

export interface IsolationFact {
  /** Kind of container this runs in, as its maker states it; "none" outside. */
  readonly container: string;
  /** Whether systemd is the init of this machine. */
  readonly systemd: boolean;
  /** Version of the cgroup hierarchy processes are limited by: v1, v2 or none. */
  readonly cgroup: 'v1' | 'v2' | 'none';
  /** What everything of a task is ended by. */
  readonly taskEnding: Mechanism;
  /** Whether the agent runs as root and may therefore run processes as other users. */
  readonly privileged: boolean;
}

export async function isolation(): Promise<IsolationFact> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
  return {
    container: await container(),
    systemd: existsSync('/run/systemd/system'),
    cgroup: cgroupVersion(mounts),
    taskEnding: mechanismHere(),
    privileged: process.getuid?.() === 0,
  };
}

/** With both mounted (hybrid) the controllers belong to v1. */
export function cgroupVersion(mounts: string): IsolationFact['cgroup'] {
  const types = new Set(mounts.split('\n').map((line) => line.split(' ')[2]));
  return types.has('cgroup') ? 'v1' : types.has('cgroup2') ? 'v2' : 'none';
}

async function container(): Promise<string> {
  if (existsSync('/.dockerenv')) return 'docker';
  if (existsSync('/run/.containerenv')) return 'podman';
  if (process.env['KUBERNETES_SERVICE_HOST']) return 'kubernetes';
  const stated = await readFile('/run/systemd/container', 'utf8').catch(() => '');
  return stated.trim() || 'none';
}
