export { ArtifactError, type ArtifactFault } from './errors.ts';
export { artifactDigest } from './digest.ts';
export { type Artifact, MAX_ARTIFACT, readArtifact, readArtifactFiles } from './read.ts';
export type { ArtifactFile } from './tarball.ts';
export * from './signing/index.ts';
