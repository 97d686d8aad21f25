import { crc32, createInflateRaw, gzipSync } from 'node:zlib';
import { unpackedLimit } from './limits.ts';

const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
/** Header with the bytes for the strength and the operating system; CRC-32 and length at the end. */
const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;

/** Bytes that depend on nothing but the content. */
export function gzip(content: Uint8Array): Buffer {
  const packed = gzipSync(content, { level: 9 });
  // The byte that names the operating system.
  packed[9] = 255;
  return packed;
}

/** Inflates one raw deflate stream, which has to end where the bytes end. */
export type Inflate = (deflated: Buffer) => AsyncIterable<Buffer>;

/**
 * The content of one gzip member piece by piece, as far as its limit goes. What a build does not write is refused: names
 * and comments in the header, several members, anything after the end.
 */
export async function* gunzip(packed: Buffer, inflate: Inflate = inflateHere): AsyncGenerator<Buffer> {
  if (packed.length < HEADER_BYTES + TRAILER_BYTES || !packed.subarray(0, HEADER.length).equals(HEADER))
    throw new Error('it is not compressed by gzip as a build does it: incorrect header');
  const limit = unpackedLimit(packed.length);
  let length = 0;
  let crc = 0;
  for await (const piece of inflate(packed.subarray(HEADER_BYTES, packed.length - TRAILER_BYTES))) {
    length += piece.length;
    if (length > limit) throw new TooLargeError(`it unpacks to more than ${limit} bytes`);
    crc = crc32(piece, crc);
    yield piece;
  }
  if (crc !== packed.readUInt32LE(packed.length - 8) || length !== packed.readUInt32LE(packed.length - 4))
    throw new Error('its end does not fit its content: it is damaged or cut off');
}

/** In this process. */
export async function* inflateHere(deflated: Buffer): AsyncGenerator<Buffer> {
  const inflate = createInflateRaw();
  inflate.end(deflated);
  try {
    yield* inflate as AsyncIterable<Buffer>;
  } finally {
    inflate.destroy();
  }
  if (inflate.bytesWritten !== deflated.length) throw new Error('something follows its end');
}

/** It would become more than an artifact may be. */
export class TooLargeError extends Error {}
