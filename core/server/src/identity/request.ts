import { createPublicKey } from 'node:crypto';
import '@stackyard/kernel';
import * as x509 from '@peculiar/x509';
import { RequestRefusedError } from './errors.ts';

/** Ten times what an honest request takes. */
export const REQUEST_BYTES = 2_048;

/**
 * The public key of a certificate signing request (PKCS #10, DER), whose sender has shown to hold the private key.
 * Whatever else the request asks for is not even looked at.
 *
 * @throws RequestRefusedError
 */
export async function keyOfRequest(der: Uint8Array): Promise<x509.PublicKey> {
  if (der.length > REQUEST_BYTES) throw new RequestRefusedError({ reason: 'is too long' });
  const { request, publicKey, signatureAlgorithm } = parsed(der);
  const key = onP256(publicKey);
  const { name, hash } = signatureAlgorithm as { name: string; hash?: { name?: string } };
  if (name !== 'ECDSA' || hash?.name !== 'SHA-256')
    throw new RequestRefusedError({ reason: 'is signed in another way than ECDSA with SHA-256' });
  const proven = await request.verify().catch(() => false);
  if (!proven) throw new RequestRefusedError({ reason: 'is not signed by its own key' });
  return key;
}

/** The library reads some parts only when they are asked for, and refuses then. */
function parsed(der: Uint8Array) {
  try {
    const request = new x509.Pkcs10CertificateRequest(new Uint8Array(der));
    const { publicKey, signatureAlgorithm } = request;
    return { request, publicKey, signatureAlgorithm };
  } catch (error) {
    throw new RequestRefusedError({ reason: 'cannot be read' }, { cause: error });
  }
}

/** Read and written once more, so that what ends up in a certificate has one form only. */
function onP256({ rawData }: x509.PublicKey): x509.PublicKey {
  try {
    const key = createPublicKey({ key: Buffer.from(rawData), type: 'spki', format: 'der' });
    if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1')
      return new x509.PublicKey(new Uint8Array(key.export({ type: 'spki', format: 'der' })));
  } catch (error) {
    throw new RequestRefusedError({ reason: 'holds no public key' }, { cause: error });
  }
  throw new RequestRefusedError({ reason: 'is for a key of another kind' });
}
