export { ArtifactError, type ArtifactFault } from './errors.ts';
export { type Artifact, artifactDigest, readArtifact, readArtifactFiles } from './read.ts';
export type { ArtifactFile } from './tarball.ts';
