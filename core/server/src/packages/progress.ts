/** What a package is waiting for: bytes from its origin, Maven's resolution, packing, or the reading of its content. */
export type PackagePhase = 'download' | 'resolve' | 'pack' | 'inspect';

export interface PackageProgress {
  readonly phase: PackagePhase;
  readonly bytes: number;
  /** Absent where it is not known beforehand. */
  readonly total?: number;
}

export type ReportProgress = (progress: PackageProgress) => void;
