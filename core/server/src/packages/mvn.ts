import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { MavenCoordinateError, MavenFailedError, MavenMissingError, PackageDiskFullError } from './errors.ts';

export interface MavenOptions {
  /** How sentences name the package. */
  readonly package: string;
  /** The folder with the pom; Maven runs there. */
  readonly cwd: string;
  readonly command: string;
  /** Absent: the user's own local repository, so that what it holds is used. */
  readonly localRepository?: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** As much of Maven's output as is kept. */
const KEPT_OUTPUT = 200_000;

/**
 * Runs Maven with its user's own settings. Checksums are enforced (-C), and what was missing yesterday is asked for
 * again (-U).
 *
 * @throws MavenMissingError, MavenCoordinateError, MavenFailedError, PackageDiskFullError
 */
export async function runMaven(goal: readonly string[], options: MavenOptions): Promise<void> {
  const { package: name, command, localRepository, cwd } = options;
  options.signal.throwIfAborted();
  const argv = [
    '-q',
    '-B',
    '-ntp',
    '-C',
    '-U',
    '-Dstyle.color=never',
    ...(localRepository === undefined ? [] : [`-Dmaven.repo.local=${localRepository}`]),
    ...goal,
  ];
  // A group of its own: mvn is a script, and what it starts has to end with it.
  const child = spawn(command, argv, { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const limit = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  const end = () => {
    if (child.pid !== undefined) endGroup(child.pid);
  };
  limit.addEventListener('abort', end, { once: true });
  let output = '';
  const keep = (chunk: string) => (output = `${output}${chunk}`.slice(-KEPT_OUTPUT));
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    options.signal.throwIfAborted();
    if (code === 0) return;
    const exit = limit.aborted ? `a time-out after ${options.timeoutMs / 1000} s` : (signal ?? `exit code ${code}`);
    throw explain(output, { package: name, exit, cwd });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new MavenMissingError({ command }, { cause: error });
    throw error;
  } finally {
    limit.removeEventListener('abort', end);
  }
}

/** What Maven says about coordinates, most specific first. */
const reasons: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  {
    pattern: /(?:Could not find artifact|Failure to find|Non-resolvable import POM: Failure to find) (\S+)/g,
    reason: 'was not found in any repository',
  },
  { pattern: /(?:^|\s)([\w.-]+(?::[\w.-]+){2,4}) was not found in/g, reason: 'was not found in any repository' },
  {
    pattern: /'dependencies\.dependency\.version' for (\S+) is missing/g,
    reason: 'has no version, also not in the bom',
  },
  { pattern: /Could not transfer artifact (\S+)/g, reason: 'could not be fetched from its repository' },
];

/** What Maven adds to every error. */
const advice = /^\[ERROR\] (?:\[Help \d+\]|To see the full|Re-run Maven|For more information)/;

/** The error behind a failed run, by what its output says. */
export function explain(output: string, { package: name, exit, cwd }: { package: string; exit: string; cwd: string }) {
  const plain = stripVTControlCharacters(output);
  if (plain.includes('No space left on device')) return new PackageDiskFullError({ package: name, dir: cwd });
  for (const { pattern, reason } of reasons) {
    const coordinates = [...new Set([...plain.matchAll(pattern)].map(([, coordinate = '']) => coordinate))];
    if (coordinates.length > 0) return new MavenCoordinateError({ package: name, coordinates, reason });
  }
  const errors = plain
    .split('\n')
    .map((line) => line.trimEnd().replace(/ -> \[Help \d+\]$/, ''))
    .filter((line) => line.startsWith('[ERROR] ') && !advice.test(line))
    .slice(0, 5);
  const said = errors.length > 0 ? errors.join(' ') : plain.trim().split('\n').slice(-5).join(' ');
  return new MavenFailedError({ package: name, exit, output: said === '' ? 'nothing.' : said });
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
