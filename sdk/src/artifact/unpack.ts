import { ArtifactError } from './errors.ts';
import { TooLargeError } from './gzip.ts';
import { type ArtifactFile, type Unpacking, unpackTarball } from './tarball.ts';

export { ArtifactError } from './errors.ts';
export { type Inflate, inflateHere } from './gzip.ts';
export type { ArtifactFile, Unpacking } from './tarball.ts';

/**
 * Every file of an artifact whose digest was verified, for whoever writes them to disk. It brings nothing along that
 * reads a manifest: an agent is spared that.
 *
 * @param name for the sentence of an error
 * @throws ArtifactError
 */
export async function unpackArtifact(name: string, packed: Buffer, unpacking: Unpacking = {}): Promise<ArtifactFile[]> {
  try {
    return await unpackTarball(packed, unpacking);
  } catch (error) {
    const code = error instanceof TooLargeError ? 'ARTIFACT_TOO_LARGE' : 'ARTIFACT_INVALID';
    throw new ArtifactError(code, name, (error as Error).message, { cause: error });
  }
}
