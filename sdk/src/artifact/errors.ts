export type ArtifactFault = 'ARTIFACT_INTEGRITY' | 'ARTIFACT_TOO_LARGE' | 'ARTIFACT_INVALID';

/** A stack artifact that must not be used. */
export class ArtifactError extends Error {
  override readonly name = 'ArtifactError';
  readonly code: ArtifactFault;
  readonly file: string;
  /** Without the file, as the end of a sentence. */
  readonly reason: string;
  constructor(code: ArtifactFault, file: string, why: string, options?: ErrorOptions) {
    super(`The stack artifact ${file} is refused: ${why}.`, options);
    this.code = code;
    this.file = file;
    this.reason = why;
  }
}
