import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Runner {
  readonly pid: number;
  readonly cookie: string;
}

/** The runners of the agents below a directory, warm or at work; their children, which carry the cookie too, left out. */
export function runnersBelow(dir: string): Runner[] {
  return processes().flatMap(({ pid, groupId, environment, command }) => {
    const cookie = environment.get('STACKYARD_ATTEMPT');
    // A child that has not become another program yet looks like the runner, but leads no group.
    const isRunner = pid === groupId && command.some((word) => word.startsWith(dir) && word.includes('/spool/warm/'));
    return cookie !== undefined && isRunner ? [{ pid, cookie }] : [];
  });
}

/**
 * The processes of components of the hosts below a directory, and the keepers that watch them, as `pid since start time`:
 * those on record that run. What a keeper starts for a moment, such as to look at a lock, is none of them.
 */
export function componentProcessesBelow(dir: string): string[] {
  const running = new Set(processes().map(({ pid, startTime }) => `${pid} since ${startTime}`));
  return globSync('*/var/lib/stackyard/components/*/{keeper,pid}', { cwd: dir })
    .map((file) => readFileSync(join(dir, file), 'utf8').split(' '))
    .map(([pid, startTime]) => `${pid} since ${startTime}`)
    .filter((each) => running.has(each));
}

interface Process {
  readonly pid: number;
  readonly groupId: number;
  readonly startTime: string;
  readonly command: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
}

function processes(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z' || state === 'X') return [];
      const [command, environ] = ['cmdline', 'environ'].map((file) =>
        readFileSync(`/proc/${name}/${file}`, 'utf8').split('\0'),
      ) as [string[], string[]];
      const environment = new Map(environ.map((each) => each.split(/=(.*)/s, 2) as [string, string]));
      const [, groupId] = fields.map(Number);
      return [{ pid: Number(name), groupId: groupId ?? 0, startTime: fields[18] ?? '', command, environment }];
    } catch {
      return []; // it ended while we looked
    }
  });
}
