import { SIGNATURES_SUFFIX } from './signing/index.ts';
import { packTarball } from './tarball.ts';

/** An artifact with its signatures in the shape in which npm publishes them, for whoever has the bare files. */
export function packStackPackage({
  fileName,
  artifact,
  signatures,
}: {
  readonly fileName: string;
  readonly artifact: Buffer;
  readonly signatures?: string | undefined;
}): Buffer {
  const path = `package/dist/stack/${fileName}`;
  return packTarball([
    { path, content: artifact, executable: false },
    ...(signatures === undefined
      ? []
      : [{ path: `${path}${SIGNATURES_SUFFIX}`, content: Buffer.from(signatures), executable: false }]),
  ]);
}
