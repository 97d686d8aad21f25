import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artifactDigest } from '../artifact/digest.ts';
import { type ArtifactFile, packTarball } from '../artifact/tarball.ts';
import { StackDefinitionError, type StackProblem } from '../define/errors.ts';
import type { StackManifest } from '../manifest/manifest.ts';
import { compileTemplate } from '../render/template.ts';
import { bundleLifecycle } from './bundle.ts';
import { loadManifest } from './load.ts';
import { readAssets, readPackage } from './package.ts';

export interface BuiltStack {
  /** The artifact, a .tgz. */
  readonly file: string;
  /** `sha512-<hex>` of it; the same source gives the same one. */
  readonly digest: string;
  readonly size: number;
  readonly manifest: StackManifest;
}

const TEMPLATES = 'templates/';

/**
 * Builds the artifact of a stack package: its definitions as data, its lifecycle functions as one module, its templates,
 * scripts and docs. `outDir` is the package's dist/stack when absent.
 * @throws StackDefinitionError with everything that is wrong in the definition.
 */
export async function buildStack(
  packageFolder: string,
  { outDir }: { readonly outDir?: string } = {},
): Promise<BuiltStack> {
  const source = await readPackage(packageFolder);
  const assets = await readAssets(source);
  const templates = assets.filter(({ path }) => path.startsWith(TEMPLATES));
  const manifest = await loadManifest({
    entry: source.entry,
    options: {
      name: source.name,
      version: source.version,
      sdk: await sdkVersion(),
      templates: templates.map(({ path }) => path.slice(TEMPLATES.length)),
    },
  });
  const problems = templates.flatMap(templateProblems);
  if (problems.length > 0) throw new StackDefinitionError(problems);
  const files: ArtifactFile[] = [
    ...assets,
    textFile('manifest.json', `${JSON.stringify(manifest, undefined, 2)}\n`),
    textFile('lifecycle.mjs', await bundleLifecycle(source, manifest)),
  ];
  const packed = packTarball(files);
  const file = join(outDir ?? join(source.folder, 'dist', 'stack'), fileName(manifest));
  await writeWhole(file, packed);
  return { file, digest: artifactDigest(packed), size: packed.length, manifest };
}

function templateProblems({ path, content }: ArtifactFile): StackProblem[] {
  if (!path.endsWith('.hbs')) return [];
  try {
    compileTemplate(path, content.toString('utf8'));
    return [];
  } catch (error) {
    return [{ where: path, reason: (error as Error).message, remedy: 'correct the template' }];
  }
}

function textFile(path: string, text: string): ArtifactFile {
  return { path, content: Buffer.from(text), executable: false };
}

function fileName({ name, version }: StackManifest): string {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
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

async function sdkVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
