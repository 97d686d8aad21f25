import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createTwoFilesPatch } from 'diff';
import { GoldenFilesError } from './errors.ts';
import type { SimulatedResult } from './simulate.ts';

/** Where golden files are. */
export interface GoldenOptions {
  /** The package, whose `golden/` it is; the working directory when absent. */
  readonly folder?: string;
}

/**
 * Compares every file on the host with those in `golden/<name>/` of the package. `UPDATE_GOLDEN=1` writes them anew,
 * for a person to review; never where `CI=true`.
 * @throws GoldenFilesError with the difference as a patch
 * @example
 * expectGolden(await simulate(stack).add(server, 'a', 'b', 'c').run(server, 'configure', 'a'), 'ensemble');
 */
export function expectGolden(
  { files }: Pick<SimulatedResult, 'files'>,
  name: string,
  { folder = process.cwd() }: GoldenOptions = {},
): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)) {
    throw new GoldenFilesError(name, 'its name must be letters, digits, ., _ and -, as it is a folder');
  }
  const golden = join(folder, 'golden', name);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    if (process.env['CI'] === 'true') {
      throw new GoldenFilesError(
        name,
        'UPDATE_GOLDEN is set in CI, where nobody reviews what it would write; unset it',
      );
    }
    return rewrite(golden, files);
  }
  if (!existsSync(golden)) {
    throw new GoldenFilesError(
      name,
      `golden/${name} is not there yet; write it by running the test with UPDATE_GOLDEN=1`,
    );
  }
  const known = readGolden(golden);
  const paths = [...new Set([...Object.keys(known), ...Object.keys(files)])].sort();
  const patches = paths.filter((path) => known[path] !== files[path]).map((path) => patchOf(path, known, files));
  if (patches.length === 0) return;
  const remedy = 'If that is as it should be, run the test with UPDATE_GOLDEN=1';
  throw new GoldenFilesError(
    name,
    `${patches.length === 1 ? 'a file differs' : `${patches.length} files differ`} from golden/${name}\n\n${patches.join('\n')}\n${remedy}`,
  );
}

type Files = Readonly<Record<string, string>>;

function rewrite(golden: string, files: Files): void {
  rmSync(golden, { recursive: true, force: true });
  for (const [path, content] of Object.entries(files)) {
    const file = join(golden, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

function readGolden(golden: string): Files {
  const entries = readdirSync(golden, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    entries.map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return [file.slice(golden.length), readFileSync(file, 'utf8')];
    }),
  );
}

/** As git shows it: the old side is what is golden. */
function patchOf(path: string, known: Files, files: Files): string {
  const [before, after] = [known[path], files[path]];
  return createTwoFilesPatch(
    before === undefined ? '/dev/null' : `golden${path}`,
    after === undefined ? '/dev/null' : `rendered${path}`,
    before ?? '',
    after ?? '',
    '',
    '',
    { context: 2 },
  )
    .split('\n')
    .filter((line) => !/^=+$/.test(line))
    .join('\n');
}
