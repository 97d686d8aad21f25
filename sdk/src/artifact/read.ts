import { open } from 'node:fs/promises';
import { checkManifest } from '../manifest/check.ts';
import { StackManifest } from '../manifest/manifest.ts';
import { artifactDigest } from './digest.ts';
import { ArtifactError } from './errors.ts';
import { nesting, parsePlainJson } from './json.ts';
import { LIMITS, MAX_ARTIFACT } from './limits.ts';
import type { ArtifactFile } from './tarball.ts';
import { unpackArtifact } from './unpack.ts';

const MANIFEST = 'manifest.json';
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
  // The rest of it is for agents: the server never looks at it.
  const wanted = (path: string): boolean => path === MANIFEST || path.startsWith(TEMPLATES);
  const files = await unpackArtifact(file, packed, { wanted });
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
  return unpackArtifact(file, await readVerified(file, digest));
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

function parseManifest(file: string, files: readonly ArtifactFile[], templates: readonly string[]): StackManifest {
  const found = files.find(({ path }) => path === MANIFEST);
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
  if (text.length > LIMITS.manifestBytes)
    throw new ArtifactError('ARTIFACT_TOO_LARGE', file, `manifest.json has more than ${LIMITS.manifestBytes} bytes`);
  if (nesting(text) > LIMITS.manifestDepth)
    throw new ArtifactError('ARTIFACT_INVALID', file, `manifest.json is nested deeper than ${LIMITS.manifestDepth}`);
  try {
    return parsePlainJson(text);
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
