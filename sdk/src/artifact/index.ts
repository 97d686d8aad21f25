export { ArtifactError, type ArtifactFault } from './errors.ts';
export { artifactDigest } from './digest.ts';
export { type Artifact, readArtifact, readArtifactFiles } from './read.ts';
export { MAX_ARTIFACT } from './limits.ts';
export { packTarball } from './tarball.ts';
export { packStackPackage } from './package.ts';
export type { ArtifactFile } from './tarball.ts';
export * from './signing/index.ts';
