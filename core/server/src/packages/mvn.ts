import { stripVTControlCharacters } from 'node:util';
import { lastLines, runToEnd } from './command.ts';
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

/**
 * Runs Maven with its user's own settings. Checksums are enforced (-C), and what was missing yesterday is asked for
 * again (-U).
 *
 * @throws MavenMissingError, MavenCoordinateError, MavenFailedError, PackageDiskFullError
 */
export async function runMaven(goal: readonly string[], options: MavenOptions): Promise<void> {
  const { package: name, command, localRepository, cwd } = options;
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
  try {
    const { exit, output } = await runToEnd(command, argv, options);
    if (exit !== undefined) throw explain(output, { package: name, exit, cwd });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new MavenMissingError({ command }, { cause: error });
    throw error;
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
  const said = errors.length > 0 ? errors.join(' ') : lastLines(plain);
  return new MavenFailedError({ package: name, exit, output: said });
}
