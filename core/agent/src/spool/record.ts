import { crc32 } from 'node:zlib';

/** A record of the journal: a small JSON head and, where there is one, a body of opaque bytes. */
export interface JournalRecord {
  readonly head: unknown;
  readonly body: Buffer;
}

const magic = 'SY1';
const firstLine = /^SY1 ([0-9a-f]{8}) (\d{1,10}) (\d{1,10})\n/;
const longestFirstLine = 40;

/** `SY1 <crc of all that follows this line> <bytes of head> <bytes of body>`, a line break, head, body. */
export function encodeRecord(head: unknown, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const rest = Buffer.concat([json, body]);
  return Buffer.concat([Buffer.from(`${magic} ${checksum(rest)} ${json.length} ${body.length}\n`), rest]);
}

/** The record in these bytes, or undefined when they are torn or changed in any place. */
export function decodeRecord(bytes: Buffer): JournalRecord | undefined {
  const match = firstLine.exec(bytes.subarray(0, longestFirstLine).toString('latin1'));
  if (!match) return undefined;
  const rest = bytes.subarray(match[0].length);
  const headLength = Number(match[2]);
  if (rest.length !== headLength + Number(match[3]) || checksum(rest) !== match[1]) return undefined;
  // The checksum does not cover the first line: a head that ends elsewhere is no JSON.
  try {
    return { head: JSON.parse(rest.subarray(0, headLength).toString()), body: rest.subarray(headLength) };
  } catch {
    return undefined;
  }
}

/** One line of an append-only file: checksum, a space, JSON. */
export function encodeLine(value: unknown): string {
  const json = JSON.stringify(value);
  return `${checksum(Buffer.from(json))} ${json}\n`;
}

export function decodeLine(line: string): unknown {
  const json = line.slice(9);
  if (line[8] !== ' ' || checksum(Buffer.from(json)) !== line.slice(0, 8)) return undefined;
  return JSON.parse(json) as unknown;
}

function checksum(bytes: Uint8Array): string {
  return crc32(bytes).toString(16).padStart(8, '0');
}
