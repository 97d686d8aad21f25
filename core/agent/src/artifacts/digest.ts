import { createHash, type Hash } from 'node:crypto';
import { DigestMismatchError, DownloadFailedError } from '../errors.ts';

const form = /^(sha256|sha512)-([A-Za-z0-9+/=_-]+)$/;

/** A digest as `algorithm-value`, the value in hex or base64. */
export interface Digest {
  readonly text: string;
  readonly algorithm: 'sha256' | 'sha512';
  readonly value: Buffer;
}

/** @throws DownloadFailedError when it is none */
export function parseDigest(text: string): Digest {
  const match = form.exec(text);
  const algorithm = match?.[1] as Digest['algorithm'] | undefined;
  const value = match?.[2];
  if (!algorithm || !value) throw new DownloadFailedError(`The artifact ${JSON.stringify(text)}`, 'it is no digest');
  const bytes = algorithm === 'sha512' ? 64 : 32;
  const isHex = value.length === bytes * 2 && /^[0-9a-f]+$/.test(value);
  return { text, algorithm, value: Buffer.from(value, isHex ? 'hex' : 'base64') };
}

/** A name for files and directories that hold what a digest names. */
export function digestName(text: string): string {
  const { algorithm, value } = parseDigest(text);
  return `${algorithm}-${value.toString('hex')}`;
}

/** @throws DigestMismatchError */
export function verifyBytes(what: string, digest: string, bytes: Uint8Array): void {
  const { algorithm, value } = parseDigest(digest);
  const found: Hash = createHash(algorithm).update(bytes);
  const sum = found.digest();
  if (!sum.equals(value)) throw new DigestMismatchError(what, digest, `${algorithm}-${sum.toString('base64')}`);
}

export function sha256(bytes: Uint8Array | string): string {
  return `sha256-${createHash('sha256').update(bytes).digest('hex')}`;
}
