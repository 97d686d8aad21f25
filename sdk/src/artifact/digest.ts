import { createHash } from 'node:crypto';

/** `sha512-<hex>`, the name of an artifact. */
export function artifactDigest(content: Uint8Array): string {
  return `sha512-${createHash('sha512').update(content).digest('hex')}`;
}
