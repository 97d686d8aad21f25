import { open } from 'node:fs/promises';
import { checkManifest } from '../manifest/check.ts';
import { StackManifest } from '../manifest/manifest.ts';
import { artifactDigest } from './digest.ts';
import { ArtifactError } from './errors.ts';
import { type ArtifactFile, unpackTarball } from './tarball.ts';

/** Bytes that an artifact may have as it is stored. */
export const MAX_ARTIFACT = 64 * 1024 * 1024;
const TEMPLATES = 'templates/';

/** What the server reads of a stack: data only. Its lifecycle bundle stays bytes. */
export interface Artifact {
  readonly manifest: StackManifest;
  /** Sources by their path under templates/. */
  readonly templates: Readonly<Record<string, string>>;
  /** `sha512-<hex>` of the file. */
  readonly digest: string;
  readonly size: number;
}

/**
 * Reads an artifact in memory. With `digest`, not a byte is parsed before it is verified.
 * @throws ArtifactError
 */
export async function readArtifact(file: string, { digest }: { readonly digest?: string } = {}): Promise<Artifact> {
  const packed = await readVerified(file, digest);
  const files = unpack(file, packed);
  const templates = Object.fromEntries(
    files
      .filter(({ path }) => path.startsWith(TEMPLATES))
      .map(({ path, content }) => [path.slice(TEMPLATES.length), toText(file, path, content)]),
  );
  const manifest = parseManifest(file, files, Object.keys(templates));
  return { manifest, templates, digest: artifactDigest(packed), size: packed.length };
}

/**
 * Every file of an artifact after its digest was verified, for whoever writes them to disk.
 * @throws ArtifactError
 */
export async function readArtifactFiles(
  file: string,
  { digest }: { readonly digest: string },
): Promise<ArtifactFile[]> {
  return unpack(file, await readVerified(file, digest));
}

async function readVerified(file: string, digest: string | undefined): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    if (size > MAX_ARTIFACT)
      throw new ArtifactError('ARTIFACT_TOO_LARGE', file, `it has ${size} bytes, more than ${MAX_ARTIFACT}`);
    const packed = await handle.readFile();
    const actual = artifactDigest(packed);
    if (digest !== undefined && actual !== digest) {
      throw new ArtifactError('ARTIFACT_INTEGRITY', file, `its digest is ${actual}, not ${digest}`);
    }
    return packed;
  } finally {
    await handle.close();
  }
}

function unpack(file: string, packed: Buffer): ArtifactFile[] {
  try {
    return unpackTarball(packed);
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new ArtifactError(tooLarge ? 'ARTIFACT_TOO_LARGE' : 'ARTIFACT_INVALID', file, (error as Error).message);
  }
}

function parseManifest(file: string, files: readonly ArtifactFile[], templates: readonly string[]): StackManifest {
  const found = files.find(({ path }) => path === 'manifest.json');
  if (!found) throw new ArtifactError('ARTIFACT_INVALID', file, 'it has no manifest.json');
  const parsed = StackManifest.safeParse(parseJson(file, toText(file, found.path, found.content)));
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, 5).map(({ path, message }) => `/${path.join('/')} ${message}`);
    throw new ArtifactError('ARTIFACT_INVALID', file, `its manifest does not fit: ${issues.join('; ')}`);
  }
  const problems = checkManifest(parsed.data, templates);
  if (problems.length === 0) return parsed.data;
  const sentences = problems.slice(0, 5).map(({ where, reason }) => `${where}: ${reason}`);
  throw new ArtifactError('ARTIFACT_INVALID', file, `its manifest does not fit: ${sentences.join('; ')}`);
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text, (key, value: unknown) => {
      if (key === '__proto__') throw new Error('a key is called __proto__');
      return value;
    });
  } catch (error) {
    throw new ArtifactError('ARTIFACT_INVALID', file, `manifest.json cannot be read: ${(error as Error).message}`);
  }
}

function toText(file: string, path: string, content: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw new ArtifactError('ARTIFACT_INVALID', file, `${path} is no UTF-8 text`);
  }
}
