import { createHash, KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { peerUri } from '@stackyard/domain';
// The library below wants the metadata that the kernel brings.
import '@stackyard/kernel';
import * as x509 from '@peculiar/x509';

/** ECDSA on P-256 for every key. */
export const KEY = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Who signs. */
export interface Signer {
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

/** From `notBefore` to `notAfter`, in whole seconds, as certificates have them. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const DAY_MS = 86_400_000;
const AUTHORITY_LIFE_MS = 3_650 * DAY_MS;
/** Agents whose clock is behind must not refuse a certificate that was made a moment ago. */
const BACKDATED_MS = DAY_MS;

export async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify']);
}

/** A certificate authority of an installation; only end certificates can be signed by it. */
export async function authorityCertificate(
  { installId, now }: { readonly installId: string; readonly now: Date },
  keys: webcrypto.CryptoKeyPair,
): Promise<x509.X509Certificate> {
  const serialNumber = newSerial();
  return x509.X509CertificateGenerator.createSelfSigned({
    serialNumber,
    // Two authorities of an installation, trusted at once, need two names.
    name: [{ CN: [`Stackyard authority ${serialNumber.slice(0, 8)}`] }],
    ...validity(now, AUTHORITY_LIFE_MS, BACKDATED_MS),
    signingAlgorithm: KEY,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: peerUri.authority(installId) }]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
}

/** The server's own: good for serving only. Names are DNS names and addresses, for clients that look at them. */
export function serverCertificate(
  signer: Signer,
  publicKey: webcrypto.CryptoKey,
  given: { readonly installId: string; readonly names: readonly string[]; readonly now: Date; readonly lifeMs: number },
): Promise<x509.X509Certificate> {
  return leaf(signer, publicKey, {
    ...validity(given.now, given.lifeMs, BACKDATED_MS),
    subject: 'Stackyard server',
    usage: x509.ExtendedKeyUsage.serverAuth,
    names: [{ type: 'url', value: peerUri.server(given.installId) }, ...given.names.map(nameOf)],
  });
}

/** An agent's: good for calling only. Everything in it is the server's word; of the request only the key is used. */
export function agentCertificate(
  signer: Signer,
  publicKey: x509.PublicKey,
  given: { readonly installId: string; readonly agentId: string; readonly now: Date; readonly lifeMs: number },
): Promise<x509.X509Certificate> {
  return leaf(signer, publicKey, {
    ...validity(given.now, given.lifeMs, 0),
    subject: `Stackyard agent ${given.agentId}`,
    usage: x509.ExtendedKeyUsage.clientAuth,
    names: [{ type: 'url', value: peerUri.agent(given.installId, given.agentId) }],
  });
}

async function leaf(
  signer: Signer,
  publicKey: x509.PublicKeyType,
  given: Validity & { readonly subject: string; readonly usage: string; readonly names: x509.JsonGeneralNames },
): Promise<x509.X509Certificate> {
  const { notBefore, notAfter, subject, usage, names } = given;
  return x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ CN: [subject] }],
    issuer: signer.certificate.subjectName,
    notBefore,
    notAfter,
    publicKey,
    signingKey: signer.key,
    signingAlgorithm: KEY,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage], true),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.AuthorityKeyIdentifierExtension.create(signer.certificate.publicKey),
    ],
  });
}

function validity(now: Date, lifeMs: number, backdatedMs: number): Validity {
  const seconds = (ms: number, round: (value: number) => number) => new Date(round(ms / 1000) * 1000);
  return {
    notBefore: seconds(now.getTime() - backdatedMs, Math.floor),
    notAfter: seconds(now.getTime() + lifeMs, Math.ceil),
  };
}

function nameOf(name: string): x509.JsonGeneralName {
  return isIP(name) === 0 ? { type: 'dns', value: name } : { type: 'ip', value: name };
}

/** 127 random bits, hex; positive, and without a leading zero, so that every library writes it alike. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}

/** SHA-256 of a certificate (DER), hex: how an authority is named and pinned. */
export function sha256Of(certificate: x509.X509Certificate): string {
  return createHash('sha256').update(new Uint8Array(certificate.rawData)).digest('hex');
}

export function privateKeyPem(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** A private key from its PEM, for signing. */
export async function importSigningKey(pem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), KEY, false, ['sign']);
}

export function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`;
}
