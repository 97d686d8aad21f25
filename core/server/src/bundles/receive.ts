import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BundleDiskFullError, BundleInvalidError } from './errors.ts';
import { BundleManifest, MANIFEST, MAX_MANIFEST, type Part, pathOf } from './format.ts';
import { filesOf, type IncomingFile } from './tarFile.ts';

/**
 * Writes the parts of a bundle below a folder while they come, each compared with the manifest that comes first.
 *
 * @returns the manifest, all of whose parts are there and have their sha512. @throws BundleInvalidError, BundleDiskFullError
 */
export async function receiveBundle(source: AsyncIterable<Uint8Array>, dir: string): Promise<BundleManifest> {
  try {
    const files = filesOf(source);
    const first = await files.next();
    if (first.done || first.value.path !== MANIFEST) throw new Error('it does not begin with its manifest');
    const manifest = await readManifest(first.value);
    for (const [path, part] of filesIn(manifest)) {
      const next = await files.next();
      if (next.done) throw new Error(`${path} is missing`);
      if (next.value.path !== path || next.value.size !== part.size) throw new Error(`${path} is not where it belongs`);
      await receivePart(next.value, { file: join(dir, path), sha512: part.sha512 });
    }
    if (!(await files.next()).done) throw new Error('it holds more than its manifest says');
    return manifest;
  } catch (error) {
    throw ofBundle(error, dir);
  }
}

/** The files that have to come, in their order; several parts may be of one file. */
function filesIn({ parts }: BundleManifest): Map<string, Part> {
  const files = new Map<string, Part>();
  for (const part of parts) {
    const path = pathOf(part);
    const known = files.get(path);
    if (known && (known.sha512 !== part.sha512 || known.size !== part.size))
      throw new Error(`its manifest says two things of ${path}`);
    files.set(path, part);
  }
  return files;
}

async function readManifest({ size, content }: IncomingFile): Promise<BundleManifest> {
  if (size > MAX_MANIFEST) throw new Error(`its manifest has ${size} bytes`);
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  let given: unknown;
  try {
    given = JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new Error('its manifest is no JSON');
  }
  if ((given as { format?: unknown } | null)?.format !== 1)
    throw new Error('it has a format that this server does not know');
  const parsed = BundleManifest.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`its manifest does not fit: /${issue?.path.join('/')} ${issue?.message}`);
}

async function receivePart(
  { path, content }: IncomingFile,
  { file, sha512 }: { file: string; sha512: string },
): Promise<void> {
  const hash = createHash('sha512');
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await pipeline(
    content,
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true }),
  );
  if (hash.digest('hex') !== sha512) throw new Error(`${path} does not have its sha512`);
}

/** What went wrong in the words of a bundle; what the edge says of a request stays what it is. */
function ofBundle(error: unknown, dir: string): unknown {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new BundleDiskFullError({ dir }, { cause: error });
  const isOurs = name === 'Error' && code === undefined;
  return isOurs ? new BundleInvalidError({ reason: message }, { cause: error }) : error;
}
