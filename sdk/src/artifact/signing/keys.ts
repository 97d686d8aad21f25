import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { SigningError } from './errors.ts';

/** What a publisher is called: as in a package's scope. */
export const PublisherName = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'use small letters, digits and -, beginning with a letter or a digit');

/** `ed25519-` and the first 32 hex digits of the SHA-256 of the public key. */
export const KeyId = z.string().regex(/^ed25519-[0-9a-f]{32}$/, 'use the id of a key, such as ed25519-0123…');

/** The 32 bytes of an ed25519 key as base64. */
export const PublicKey = z.base64().length(44);

/** The content of a private key file, which only its owner may read. */
const KeyFile = z.strictObject({
  format: z.literal(1),
  publisher: PublisherName,
  keyId: KeyId,
  /** PKCS #8, DER, base64. */
  privateKey: z.base64().max(200),
});

export interface SigningKey {
  readonly publisher: string;
  readonly keyId: string;
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

const LINE = 'stackyard-ed25519';

/** A new key pair. */
export function generateSigningKey(publisher: string): SigningKey {
  if (!PublisherName.safeParse(publisher).success) throw new SigningError('PUBLISHER_NAME', publisher);
  const { privateKey } = generateKeyPairSync('ed25519');
  return signingKeyOf(publisher, privateKey);
}

/** The text of a private key file; write it 0600. */
export function privateKeyText({ publisher, keyId, privateKey }: SigningKey): string {
  const der = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
  return `${JSON.stringify({ format: 1, publisher, keyId, privateKey: der }, undefined, 2)}\n`;
}

/** @throws SigningError KEY_FILE; never with a part of what it was given */
export function parsePrivateKey(text: string): SigningKey {
  try {
    const { publisher, keyId, privateKey } = KeyFile.parse(JSON.parse(text));
    const der = Buffer.from(privateKey, 'base64');
    const key = signingKeyOf(publisher, createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
    if (key.keyId === keyId && key.privateKey.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // What went wrong could hold a part of the key.
  }
  throw new SigningError('KEY_FILE');
}

/** What a publisher gives to those who are to trust it: `stackyard-ed25519 <public key> <publisher>`. */
export function publicKeyLine({ publicKey, publisher }: Pick<SigningKey, 'publicKey' | 'publisher'>): string {
  return `${LINE} ${publicKey} ${publisher}`;
}

/** @throws SigningError KEY_LINE */
export function parsePublicKeyLine(line: string): { publisher: string; keyId: string; publicKey: string } {
  const [kind, key, publisher, ...more] = line.trim().split(/ +/);
  const name = PublisherName.safeParse(publisher);
  if (kind !== LINE || more.length > 0 || !name.success || !isPublicKey(key)) throw new SigningError('KEY_LINE');
  return { publisher: name.data, keyId: keyIdOf(key), publicKey: key };
}

function isPublicKey(text: string | undefined): text is string {
  if (!PublicKey.safeParse(text).success || text === undefined) return false;
  // One spelling only: the unused bits of the last character are zero.
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === 32 && bytes.toString('base64') === text;
}

export function keyIdOf(publicKey: string): string {
  return `ed25519-${createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex').slice(0, 32)}`;
}

/** A public key as node:crypto takes it. */
export function publicKeyObject(publicKey: string): KeyObject {
  const x = Buffer.from(publicKey, 'base64').toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

function signingKeyOf(publisher: string, privateKey: KeyObject): SigningKey {
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  const publicKey = Buffer.from(x, 'base64url').toString('base64');
  return { publisher, keyId: keyIdOf(publicKey), publicKey, privateKey };
}
