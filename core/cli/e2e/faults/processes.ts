import { readdirSync, readFileSync } from 'node:fs';

export interface Runner {
  readonly pid: number;
  readonly cookie: string;
}

/** The runners of the agents below a directory, warm or at work; their children, which carry the cookie too, left out. */
export function runnersBelow(dir: string): Runner[] {
  return processes().flatMap(({ pid, environment, command }) => {
    const cookie = environment.get('STACKYARD_ATTEMPT');
    const isRunner = command.some((word) => word.startsWith(dir) && word.includes('/spool/warm/'));
    return cookie !== undefined && isRunner ? [{ pid, cookie }] : [];
  });
}

/** The processes of components below a directory, as `pid since start time`; keepers, which only watch, among them. */
export function componentProcessesBelow(dir: string): string[] {
  return processes().flatMap(({ pid, environment, text, startTime }) =>
    environment.has('STACKYARD_COMPONENT') && text.includes(dir) ? [`${pid} since ${startTime}`] : [],
  );
}

interface Process {
  readonly pid: number;
  readonly startTime: string;
  readonly command: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly text: string;
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
      const text = `${readFileSync(`/proc/${name}/cmdline`, 'utf8')}\n${environ.join('\n')}`;
      return [{ pid: Number(name), startTime: fields[18] ?? '', command, environment, text }];
    } catch {
      return []; // it ended while we looked
    }
  });
}
