/** What is on the server of one attempt's log, written or about to be. */
export interface LogEnd {
  readonly end: number;
  readonly complete: boolean;
}

export interface SentChunk {
  readonly offset: number;
  readonly data: Uint8Array;
  /** Nothing comes after it. */
  readonly last: boolean;
}

/** Most that is kept of one attempt's output: the 64 MiB that agents send, and the line that stands for what they left out. */
export const LOG_BYTES = 64 * 1024 * 1024 + 1024;

const MARKER = Buffer.from(
  `\n[The log ends here: more than ${LOG_BYTES} bytes of an attempt are not kept on the server.]\n`,
);

/**
 * Takes a chunk: what fits to the end is appended, what is there already is trimmed, what would leave a gap is refused, so
 * that chunks which come twice or in the wrong order never change a log. Whoever sends more than `limitBytes` is cut off.
 */
export function acceptChunk(
  log: LogEnd,
  { offset, data, last }: SentChunk,
  limitBytes = LOG_BYTES,
): { readonly log: LogEnd; readonly append: readonly Uint8Array[] } {
  const known = log.end - offset;
  if (known < 0 || log.complete) return { log, append: [] };
  const fresh = data.subarray(Math.min(known, data.length));
  const room = Math.max(0, limitBytes - log.end);
  if (fresh.length > room) {
    const append = [fresh.subarray(0, room), MARKER];
    return { log: { end: log.end + room + MARKER.length, complete: true }, append };
  }
  const end = log.end + fresh.length;
  // An agent whose host lost its power may have less than it sent before: what is here is all then, and more.
  return { log: { end, complete: last }, append: fresh.length > 0 ? [fresh] : [] };
}
