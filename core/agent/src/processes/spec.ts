import { execFileSync } from 'node:child_process';
import { isAbsolute } from 'node:path';
import { InvalidProcessValueError } from './errors.ts';

/** What the keeper runs, as data. */
export interface ProcessSpec {
  /** Absolute path, or a name found in PATH. */
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment of the process; PATH is the agent's own unless given. Nothing else is inherited. */
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
const variableForm = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

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
  for (const text of [spec.program, spec.cwd, spec.logFile, ...spec.args, ...Object.values(spec.env)]) {
    if (text.includes('\0'))
      throw new InvalidProcessValueError('process argument or variable', text, 'free of NUL bytes');
  }
  for (const name of Object.keys(spec.env)) {
    if (!variableForm.test(name) || name.startsWith('STACKYARD_ATTEMPT')) {
      throw new InvalidProcessValueError('environment variable', name, 'an ordinary variable name');
    }
  }
  if (spec.user !== undefined && !userForm.test(spec.user)) {
    throw new InvalidProcessValueError('user', spec.user, 'the name of a system user');
  }
  return spec;
}

/** The command line with the privileges dropped where that is asked for and possible. */
export function commandLine(spec: ProcessSpec, isRoot: boolean = process.getuid?.() === 0): string[] {
  const line = [spec.program, ...spec.args];
  if (spec.user === undefined || !isRoot) return line;
  const [uid, gid] = [idOf('-u', spec.user), idOf('-g', spec.user)];
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--', ...line];
}

function idOf(flag: '-u' | '-g', user: string): string {
  try {
    return execFileSync('id', [flag, '--', user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch (error) {
    throw new InvalidProcessValueError('user', user, 'a user that exists on this host', { cause: error });
  }
}
