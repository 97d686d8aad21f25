import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import semver from 'semver';
import { artifactDigest } from '../artifact/digest.ts';
import { SIGNATURES_SUFFIX } from '../artifact/signing/index.ts';
import { type ArtifactFile, packTarball } from '../artifact/tarball.ts';
import { StackDefinitionError, type StackProblem } from '../define/errors.ts';
import type { StackManifest } from '../manifest/manifest.ts';
import { type CheckOptions, checkPackage } from './check.ts';

export interface BuiltStack {
  /** The artifact, a .tgz. */
  readonly file: string;
  /** `sha512-<hex>` of it; the same source gives the same one. */
  readonly digest: string;
  readonly size: number;
  readonly manifest: StackManifest;
  /** What is unwise in the definition. */
  readonly warnings: readonly StackProblem[];
  /** What could not be looked at on this machine. */
  readonly notes: readonly string[];
  /** Names of files that earlier builds had left in dist/stack, and that are gone now. */
  readonly removed: readonly string[];
}

export interface BuildOptions extends CheckOptions {
  /** The package's dist/stack when absent. */
  readonly outDir?: string;
  /** Put behind the package's version, such as `dev.3`: for builds that are only tried. */
  readonly revision?: string;
}

/**
 * Builds the artifact of a stack package: its definitions as data, its lifecycle functions as one module, its templates,
 * scripts and docs. In dist/stack it replaces what earlier builds have left, because npm publishes the whole folder.
 * @throws StackDefinitionError with everything that is wrong, as checkStack finds it.
 */
export async function buildStack(
  packageFolder: string,
  { outDir, revision, ...options }: BuildOptions = {},
): Promise<BuiltStack> {
  const { source, assets, built, problems, notes } = await checkPackage(packageFolder, options);
  if (!built) throw new StackDefinitionError(problems);
  const { lifecycle } = built;
  const { version } = built.manifest;
  const manifest = { ...built.manifest, version: revision === undefined ? version : `${version}-${revision}` };
  const files: ArtifactFile[] = [
    ...assets,
    textFile('manifest.json', `${JSON.stringify(manifest, undefined, 2)}\n`),
    textFile('lifecycle.mjs', lifecycle),
  ];
  const packed = packTarball(files);
  const file = join(outDir ?? join(source.folder, 'dist', 'stack'), fileName(manifest));
  await writeWhole(file, packed);
  const digest = artifactDigest(packed);
  const isRelease = outDir === undefined && revision === undefined;
  const removed = isRelease ? await removeEarlier(manifest, { file, digest }) : [];
  return { file, digest, size: packed.length, manifest, warnings: problems, notes, removed };
}

/** Removes artifacts of this package in other versions, their signatures, and those of other contents of this one. */
async function removeEarlier(
  { name }: StackManifest,
  { file, digest }: Pick<BuiltStack, 'file' | 'digest'>,
): Promise<string[]> {
  const [folder, current, stem] = [dirname(file), basename(file), stemOf(name)];
  const removed: string[] = [];
  for (const found of (await readdir(folder)).toSorted()) {
    const [, version] =
      /^(.*)\.tgz(?:\.sig\.json)?$/.exec(found.startsWith(stem) ? found.slice(stem.length) : '') ?? [];
    if (version === undefined || semver.valid(version) !== version || found === current) continue;
    const isCurrent = found === `${current}${SIGNATURES_SUFFIX}`;
    if (isCurrent && (await readFile(join(folder, found), 'utf8')).includes(digest)) continue;
    await rm(join(folder, found));
    removed.push(found);
  }
  return removed;
}

function textFile(path: string, text: string): ArtifactFile {
  return { path, content: Buffer.from(text), executable: false };
}

function fileName({ name, version }: StackManifest): string {
  return `${stemOf(name)}${version}.tgz`;
}

function stemOf(name: string): string {
  return `${name.replace('@', '').replace('/', '-')}-`;
}

async function writeWhole(file: string, content: Buffer): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true });
  const partial = `${file}.${process.pid}.partial`;
  try {
    await writeFile(partial, content);
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}
