import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

/** What the system tells about a living process. */
export interface ProcessFacts {
  /** Start time in the system's own form: a number that is used again has another one. */
  readonly startedAt: string;
  readonly args: readonly string[];
  /** Working directory, where we may see it. */
  readonly cwd: string | undefined;
}

/** Looks at a process; undefined when it is gone (a zombie is gone). */
export async function inspectProcess(pid: number): Promise<ProcessFacts | undefined> {
  return process.platform === 'linux' ? inspectLinux(pid) : inspectByPs(pid);
}

async function inspectLinux(pid: number): Promise<ProcessFacts | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name before the last parenthesis may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state = '', startedAt = ''] = [fields[0], fields[19]];
    if ('ZX'.includes(state)) return undefined;
    const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
    return { startedAt, args, cwd };
  } catch {
    return undefined;
  }
}

async function inspectByPs(pid: number): Promise<ProcessFacts | undefined> {
  try {
    const options = { env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } };
    const { stdout } = await promisify(execFile)(
      'ps',
      ['-ww', '-o', 'stat=,lstart=,args=', '-p', String(pid)],
      options,
    );
    // S  Mon Nov 23 14:15:50 2026  /path/postgres -D …
    const [state = '', ...rest] = stdout.trim().split(/\s+/);
    if (state === '' || state.startsWith('Z')) return undefined;
    return { startedAt: rest.slice(0, 5).join(' '), args: rest.slice(5), cwd: undefined };
  } catch {
    return undefined;
  }
}
