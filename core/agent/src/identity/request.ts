import { generateKeyPair, sign } from 'node:crypto';
import { promisify } from 'node:util';

/** A key that was made on this host and never leaves it, and the request to have it certified. */
export interface KeyRequest {
  /** PEM (PKCS #8). */
  readonly key: string;
  /** PKCS #10, DER. */
  readonly request: Buffer;
}

const INTEGER_0 = Buffer.from([0x02, 0x01, 0x00]);
const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex');
const tags = { sequence: 0x30, bitString: 0x03, attributes: 0xa0 } as const;

/**
 * A new key on P-256 and its request. The request asks for no name and no extension, since the server would not heed
 * them; so it has one form only, and that needs no library, which would stay in the memory of every agent.
 */
export async function newRequest(): Promise<KeyRequest> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const info = der(tags.sequence, INTEGER_0, der(tags.sequence), spki, der(tags.attributes));
  const signature = sign('sha256', info, privateKey);
  const request = der(
    tags.sequence,
    info,
    der(tags.sequence, ECDSA_WITH_SHA256),
    der(tags.bitString, Buffer.of(0), signature),
  );
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, request };
}

/** One element of DER: its tag, its length, its content. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const header =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), content]);
}
