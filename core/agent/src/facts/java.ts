import { readdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseAssignments } from './os.ts';
import { findInPath } from './tools.ts';

export interface Jdk {
  /** The directory that contains bin/java, without symbolic links. */
  readonly home: string;
  /** Such as "17.0.15". */
  readonly version: string;
  readonly vendor: string;
}

export interface JavaPlaces {
  readonly javaHome?: string | undefined;
  readonly path?: string | undefined;
  /** Directories that hold one JDK each in a directory of its own. */
  readonly roots: readonly string[];
}

const usualPlaces = (): JavaPlaces => ({
  javaHome: process.env['JAVA_HOME'],
  path: process.env['PATH'],
  roots: ['/usr/lib/jvm', '/usr/java', '/opt/java', '/opt/jdk'],
});

/**
 * Every JDK of the host that says what it is, the one of JAVA_HOME first, then the one of PATH, then by version, newest first.
 * Java is not started for it: the `release` file tells.
 */
export async function java(places: JavaPlaces = usualPlaces()): Promise<readonly Jdk[]> {
  const inPath = await findInPath('java', places.path ?? '');
  const preferred = [places.javaHome, inPath && (await homeOf(inPath))];
  const listed = await Promise.all(places.roots.map(children));
  const homes = await Promise.all([...preferred, ...places.roots, ...listed.flat()].map(resolved));
  const known = new Set(homes.filter((home) => home !== undefined));
  const found = await Promise.all([...known].map(readJdk));
  const first = new Set(await Promise.all(preferred.map(resolved)));
  const [chosen, others] = [
    found.filter((jdk) => jdk && first.has(jdk.home)),
    found.filter((jdk) => jdk && !first.has(jdk.home)),
  ];
  const byVersion = others.toSorted((a, b) => b!.version.localeCompare(a!.version, 'en', { numeric: true }));
  return [...chosen, ...byVersion].filter((jdk) => jdk !== undefined);
}

async function readJdk(home: string): Promise<Jdk | undefined> {
  const text = await readFile(join(home, 'release'), 'utf8').catch(() => undefined);
  const release = text === undefined ? {} : parseAssignments(text);
  const version = release['JAVA_VERSION'];
  return version ? { home, version, vendor: release['IMPLEMENTOR'] ?? '' } : undefined;
}

/** From bin/java, be it a link or the one of a JRE inside a JDK, to the directory above bin. */
async function homeOf(javaBinary: string): Promise<string | undefined> {
  const file = await resolved(javaBinary);
  return file && dirname(dirname(file));
}

async function children(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch(() => []);
  return names.map((name) => join(dir, name));
}

async function resolved(path: string | undefined): Promise<string | undefined> {
  return path ? realpath(path).catch(() => undefined) : undefined;
}
