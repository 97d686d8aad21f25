import { execFileSync } from 'node:child_process';
import { isAbsolute } from 'node:path';
import { InvalidProcessValueError } from './errors.ts';

/** What the keeper runs, as data. */
export interface ProcessSpec {
  /** Absolute path, or a name found in PATH. */
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment of the process; PATH is the system's usual one unless given. Nothing else is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute and existing. */
  readonly cwd: string;
  /** Absolute; output is appended to it. */
  readonly logFile: string;
  /** The system user to run as. Without root rights there is no choice and it is ignored. */
  readonly user?: string;
}

/** How long the keeper waits before it starts a crashed process again; all in milliseconds. */
export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
  /** A process that ran this long counts as healthy: the wait starts from `minMs` again. */
  readonly healthyMs: number;
}

export const defaultBackoff: Backoff = { minMs: 1_000, maxMs: 60_000, healthyMs: 30_000 };

const idForm = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/;
const userForm = /^[A-Za-z_][A-Za-z0-9._-]{0,63}\$?$/;
/** What a shell can export; it would drop others silently. */
const variableForm = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** All that runs with the agent's rights on the way to a program sees of an environment. No value of a stack is in it. */
export const fixedEnvironment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' } as const;

/** @throws InvalidProcessValueError */
export function checkComponentId(id: string): string {
  if (!idForm.test(id)) throw new InvalidProcessValueError('host component id', id, 'letters, digits and . _ : @ -');
  return id;
}

/**
 * Refuses what could not be handed over unchanged: relative paths, NUL bytes, variable names a shell would drop.
 * @throws InvalidProcessValueError
 */
export function checkSpec(spec: ProcessSpec): ProcessSpec {
  const absolute = { 'working directory': spec.cwd, 'log file': spec.logFile };
  for (const [what, path] of Object.entries(absolute)) {
    if (!isAbsolute(path)) throw new InvalidProcessValueError(what, path, 'an absolute path');
  }
  if (spec.program === '' || (spec.program.includes('/') && !isAbsolute(spec.program))) {
    throw new InvalidProcessValueError('program', spec.program, 'an absolute path or a name found in PATH');
  }
  if (spec.program.startsWith('-')) throw new InvalidProcessValueError('program', spec.program, 'no option of a shell');
  for (const text of [spec.program, spec.cwd, spec.logFile, ...spec.args, ...Object.values(spec.env)]) {
    if (text.includes('\0'))
      throw new InvalidProcessValueError('process argument or variable', text, 'free of NUL bytes');
  }
  for (const name of Object.keys(spec.env)) {
    checkVariable(name);
    if (name.startsWith('STACKYARD_ATTEMPT'))
      throw new InvalidProcessValueError('environment variable', name, 'none of the platform');
  }
  if (spec.user !== undefined && !userForm.test(spec.user)) {
    throw new InvalidProcessValueError('user', spec.user, 'the name of a system user');
  }
  return spec;
}

function checkVariable(name: string): void {
  if (!variableForm.test(name))
    throw new InvalidProcessValueError('environment variable', name, 'made of letters, digits and _');
}

/**
 * The command line that gives the rights away where that is asked for and possible, only then takes in the variables, and
 * becomes the program. The variables come as the text of `exportsOf` through an open file: in the environment they would
 * work on everything before the program too, with root's rights (LD_PRELOAD, IFS), and arguments can be read by everybody.
 */
export function commandLine(
  spec: ProcessSpec,
  variablesFd: number,
  isRoot: boolean = process.getuid?.() === 0,
): [string, ...string[]] {
  const takeIn = `eval "$(cat <&${variablesFd})" && exec ${variablesFd}<&- && exec "$@"`;
  const line = ['/bin/sh', '-c', takeIn, 'sh', spec.program, ...spec.args] as const;
  if (!dropsRights(spec, isRoot)) return [...line];
  const [uid, gid] = [idOf('-u', spec.user), idOf('-g', spec.user)];
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--', ...line];
}

/** Whether the program runs as somebody else than the agent. */
export function dropsRights<T extends Pick<ProcessSpec, 'user'>>(
  spec: T,
  isRoot: boolean = process.getuid?.() === 0,
): spec is T & { readonly user: string } {
  return spec.user !== undefined && isRoot;
}

/**
 * Variables as a shell takes them in, whatever is in the values.
 * @throws InvalidProcessValueError
 */
export function exportsOf(env: Readonly<Record<string, string>>): string {
  for (const name of Object.keys(env)) checkVariable(name);
  const quoted = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;
  return Object.entries(env)
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join('');
}

function idOf(flag: '-u' | '-g', user: string): string {
  try {
    return execFileSync('id', [flag, '--', user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch (error) {
    throw new InvalidProcessValueError('user', user, 'a user that exists on this host', { cause: error });
  }
}
