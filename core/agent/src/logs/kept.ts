/** What is kept of one attempt's output: its beginning, and its end. */
export interface KeptLimits {
  readonly headBytes: number;
  readonly tailBytes: number;
}

export const keptLimits: KeptLimits = { headBytes: 16 * 1024 * 1024, tailBytes: 48 * 1024 * 1024 };

/** Bytes of the log as the server gets it: a range of the file on the host, or the line that stands for what is not kept. */
export type Piece =
  | { readonly kind: 'file'; readonly at: number; readonly length: number }
  | { readonly kind: 'marker'; readonly bytes: Buffer };

/** How long the log is at the server when the attempt has ended with this much output. */
export function keptBytes(written: number, limits = keptLimits): number {
  const { headBytes, tailBytes } = limits;
  return isCut(written, limits) ? headBytes + markerOf(written, limits).length + tailBytes : written;
}

/** How much of the log is certain while the attempt runs, whatever it still prints. */
export function certainBytes(writtenSoFar: number, { headBytes } = keptLimits): number {
  return Math.min(writtenSoFar, headBytes);
}

/**
 * Where the bytes [offset, offset + length) of the log come from, at most to the end of one piece. `written` is the size of
 * all output, once it is known.
 */
export function pieceAt(offset: number, length: number, written: number | undefined, limits = keptLimits): Piece {
  const { headBytes, tailBytes } = limits;
  if (written === undefined || !isCut(written, limits)) return { kind: 'file', at: offset, length };
  if (offset < headBytes) return { kind: 'file', at: offset, length: Math.min(length, headBytes - offset) };
  const marker = markerOf(written, limits);
  const behind = offset - headBytes;
  if (behind < marker.length) return { kind: 'marker', bytes: marker.subarray(behind, behind + length) };
  return { kind: 'file', at: written - tailBytes + behind - marker.length, length };
}

function isCut(written: number, { headBytes, tailBytes }: KeptLimits): boolean {
  return written > headBytes + tailBytes;
}

function markerOf(written: number, { headBytes, tailBytes }: KeptLimits): Buffer {
  const dropped = written - headBytes - tailBytes;
  const [first, last] = [inWords(headBytes), inWords(tailBytes)];
  return Buffer.from(
    `\n[${dropped} bytes are missing here: the first ${first} and the last ${last} of an attempt are kept.]\n`,
  );
}

function inWords(bytes: number): string {
  return bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20} MiB` : `${bytes} bytes`;
}
