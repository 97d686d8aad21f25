import { logs } from '@stackyard/agent';
import { hashText, mix } from '../time/random.ts';

/** Much smaller than in earnest, so that logs are cut which a run can afford. */
export const limits: logs.KeptLimits = { headBytes: 100_000, tailBytes: 60_000 };
/** A log is several of them. */
export const chunkBytes = 32 * 1024;
/** Most that a script prints. */
export const MOST_BYTES = 300_000;

const places = 4_096;
const bytes = Buffer.from(Uint8Array.from({ length: MOST_BYTES + places }, (_, index) => mix(index, 7)));

/** What the script of an attempt prints: each attempt something else, the same in each run. */
export function outputOf(attemptId: string, from: number, to: number): Buffer {
  const start = hashText(attemptId) % places;
  return bytes.subarray(start + from, start + to);
}

/** The log as an agent keeps it when so much was printed: the bytes [from, to) of it. */
export function keptOf(attemptId: string, from: number, to: number, written: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = from; at < to;) {
    const piece = logs.pieceAt(at, to - at, written, limits);
    const part = piece.kind === 'marker' ? piece.bytes : outputOf(attemptId, piece.at, piece.at + piece.length);
    parts.push(part);
    at += part.length;
  }
  return Buffer.concat(parts);
}

/** How long the log is that a host can still tell of so much output, of which the power has left so much on its disk. */
export function toldBytes(printed: number, onDisk: number): number {
  const kept = logs.keptBytes(printed, limits);
  if (onDisk >= printed) return kept;
  const isCut = kept !== printed;
  if (!isCut || onDisk <= limits.headBytes) return onDisk;
  // Its end is told by its place in all that was printed: what was left out between them is not on the disk either.
  const tailAt = printed - limits.tailBytes;
  return kept - limits.tailBytes + Math.max(0, onDisk - tailAt);
}
