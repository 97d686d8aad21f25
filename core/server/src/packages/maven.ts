import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { type ContentEntry, contentDigest } from './content.ts';
import { type Coordinate, coordinateOfPath, formatCoordinate } from './coordinates.ts';
import { type CheckedMaven, nameOf, type PackageDescriptor } from './descriptor.ts';
import { MavenFailedError } from './errors.ts';
import { type MavenOptions, runMaven } from './mvn.ts';
import { pomOf } from './pom.ts';
import type { ReportProgress } from './progress.ts';
import { packTarball } from './tarball.ts';

/** Other versions of the plugin may resolve or lay out differently. */
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1';

export interface BuiltArchive {
  readonly file: string;
  /** Known already when we packed it ourselves. */
  readonly content?: { readonly digest: string; readonly contentDigest: string };
}

interface Jar {
  readonly path: string;
  readonly from: string;
  readonly coordinate: Coordinate;
}

/**
 * Builds a package from Maven coordinates in an empty working folder: either the ready archive as it is, or an archive of
 * `lib/*.jar` (the runtime closure) and MANIFEST.json (path, size, sha256 and coordinate of each).
 *
 * @throws MavenMissingError, MavenCoordinateError, MavenFailedError
 */
export async function buildFromMaven(
  descriptor: PackageDescriptor,
  source: CheckedMaven,
  { report, ...maven }: Omit<MavenOptions, 'package'> & { readonly report: ReportProgress },
): Promise<BuiltArchive> {
  const options = { ...maven, package: nameOf(descriptor) };
  report({ phase: 'resolve', bytes: 0 });
  if (source.archive) return { file: await readyArchive(source.archive, options) };
  const jars = await runtimeClosure(source, options);
  return packJars(descriptor, jars, { ...options, report });
}

async function readyArchive(archive: Coordinate, options: MavenOptions): Promise<string> {
  const { group, artifact, version = '', extension, classifier } = archive;
  const coordinate = [group, artifact, version, extension, ...(classifier === undefined ? [] : [classifier])].join(':');
  const output = join(options.cwd, 'archive');
  await runMaven([`${PLUGIN}:copy`, `-Dartifact=${coordinate}`, `-DoutputDirectory=${output}`], options);
  const [file] = await readdir(output).catch(() => []);
  if (file === undefined)
    throw new MavenFailedError({ package: options.package, exit: 'success', output: `${coordinate} was not copied.` });
  return join(output, file);
}

async function runtimeClosure(source: CheckedMaven, options: MavenOptions): Promise<Jar[]> {
  const output = join(options.cwd, 'repository');
  await writeFile(join(options.cwd, 'pom.xml'), pomOf(source), { mode: 0o600 });
  // In repository layout the path is the coordinate, and two artifacts of one name cannot overwrite each other.
  const goal = [`${PLUGIN}:copy-dependencies`, '-DincludeScope=runtime', '-Dmdep.useRepositoryLayout=true'];
  await runMaven(['-f', 'pom.xml', ...goal, `-DoutputDirectory=${output}`], options);
  const files = await readdir(output, { recursive: true, withFileTypes: true }).catch(() => []);
  const found = files
    .filter((file) => file.isFile() && file.name.endsWith('.jar'))
    .map((file) => join(file.parentPath, file.name))
    .flatMap((from) => {
      const coordinate = coordinateOfPath(relative(output, from));
      return coordinate ? [{ from, coordinate }] : [];
    });
  if (found.length === 0)
    throw new MavenFailedError({ package: options.package, exit: 'success', output: 'no jar was resolved.' });
  const names = found.map(({ from }) => basename(from));
  return found.map(({ from, coordinate }) => {
    const file = basename(from);
    const unique = names.indexOf(file) === names.lastIndexOf(file) ? file : `${coordinate.group}.${file}`;
    return { from, coordinate, path: `lib/${unique}` };
  });
}

async function packJars(
  descriptor: PackageDescriptor,
  jars: readonly Jar[],
  { cwd, signal, report }: { cwd: string; signal: AbortSignal; report: ReportProgress },
): Promise<BuiltArchive> {
  const files = await Promise.all(
    jars.map(async ({ path, from, coordinate }) => {
      const [{ size }, sha256] = await Promise.all([stat(from), sha256Of(from)]);
      return { path, size, sha256, coordinate: formatCoordinate(coordinate) };
    }),
  );
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  const { name, version } = descriptor;
  const manifest = Buffer.from(`${JSON.stringify({ name, version, origin: 'maven', files }, undefined, 2)}\n`);
  const top = `${name}-${version}`;
  const target = join(cwd, 'package');
  await mkdir(target, { mode: 0o700 });
  const total = files.reduce((sum, { size }) => sum + size, manifest.length);
  const { digest } = await packTarball(
    join(target, `${top}.tar.gz`),
    [
      { path: `${top}/MANIFEST.json`, from: manifest },
      ...jars.map(({ path, from }) => ({ path: `${top}/${path}`, from })),
    ],
    { signal, onBytes: (bytes) => report({ phase: 'pack', bytes, total }) },
  );
  const entries: ContentEntry[] = [
    ...files,
    { path: 'MANIFEST.json', sha256: createHash('sha256').update(manifest).digest('hex') },
  ];
  return { file: join(target, `${top}.tar.gz`), content: { digest, contentDigest: contentDigest(entries) } };
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
