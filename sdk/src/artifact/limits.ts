const MiB = 1024 * 1024;

/** What an artifact may be. Each is looked at before the byte that would break it is kept. */
export const LIMITS = {
  packedBytes: 64 * MiB,
  unpackedBytes: 64 * MiB,
  /** Unpacked bytes for each packed one, beyond `freeBytes`. */
  ratio: 100,
  freeBytes: MiB,
  entries: 2_000,
  depth: 12,
  pathLength: 200,
  manifestBytes: 8 * MiB,
  manifestDepth: 100,
} as const;

/** Bytes that an artifact may have as it is stored. */
export const MAX_ARTIFACT = LIMITS.packedBytes;

/** What this many packed bytes may become. */
export function unpackedLimit(packedBytes: number): number {
  return Math.min(LIMITS.unpackedBytes, Math.max(LIMITS.freeBytes, packedBytes * LIMITS.ratio));
}
