import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { parseSealed, sealedText } from '@stackyard/sdk/render';
import { SecretUnreadableError } from './errors.ts';

/** The one property of one service that a secret belongs to: sealed for one place it opens at no other. */
export interface SecretPlace {
  readonly clusterId: string;
  readonly service: string;
  readonly config: string;
  readonly property: string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** A seal tells no more of the length of a secret than how many of these it has. */
const BLOCK_BYTES = 32;
const LENGTH_BYTES = 4;

/**
 * Seals secrets with AES-256-GCM. The nonce is a keyed digest of place and secret: the same secret in the same place
 * gives the same seal, so that what changed is known without opening anything, and a nonce is never used for two texts.
 */
export class Seals {
  readonly #cipherKey: Buffer;
  readonly #digestKey: Buffer;

  /** @param key of the installation, 32 random bytes */
  constructor(key: Buffer) {
    this.#cipherKey = derived(key, 'stackyard secrets: cipher');
    this.#digestKey = derived(key, 'stackyard secrets: digest');
  }

  seal(place: SecretPlace, secret: string): string {
    const aad = boundTo(place);
    const nonce = this.#digest(aad, secret).subarray(0, NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#cipherKey, nonce).setAAD(aad);
    const sealed = Buffer.concat([cipher.update(padded(secret)), cipher.final()]);
    const seal = Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
    return sealedText({ config: place.config, property: place.property, seal });
  }

  /** @throws SecretUnreadableError when it was sealed for another place, by another key, or was changed */
  open(at: Pick<SecretPlace, 'clusterId' | 'service'>, sealed: string): string {
    const { config = '', property = '', seal = '' } = parseSealed(sealed) ?? {};
    const bytes = Buffer.from(seal, 'base64url');
    try {
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', this.#cipherKey, nonce, { authTagLength: TAG_BYTES })
        .setAAD(boundTo({ ...at, config, property }))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
      return text.toString('utf8', LENGTH_BYTES, LENGTH_BYTES + text.readUInt32BE());
    } catch {
      // What node:crypto says would help nobody, and a cause is logged.
      throw new SecretUnreadableError({ service: at.service, config, property });
    }
  }

  /** A digest of a text that may contain secrets: without the key nothing can be guessed from it. */
  digest(text: string): string {
    return this.#digest(Buffer.from('text'), text).toString('hex');
  }

  #digest(aad: Buffer, text: string): Buffer {
    return createHmac('sha256', this.#digestKey).update(`${aad.length} `).update(aad).update(text).digest();
  }
}

function derived(key: Buffer, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', use, 32));
}

function boundTo({ clusterId, service, config, property }: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify([clusterId, service, config, property]));
}

function padded(secret: string): Buffer {
  const text = Buffer.from(secret);
  const block = Buffer.alloc(Math.ceil((LENGTH_BYTES + text.length) / BLOCK_BYTES) * BLOCK_BYTES);
  block.writeUInt32BE(text.length);
  text.copy(block, LENGTH_BYTES);
  return block;
}
