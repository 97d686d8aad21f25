import { KeyObject, webcrypto } from 'node:crypto';
// The library below wants the metadata that the kernel brings.
import '@stackyard/kernel';
import * as x509 from '@peculiar/x509';

/** What both ends of a bare mTLS connection need; PEM. */
export interface Certificates {
  readonly authority: string;
  readonly server: { readonly key: string; readonly certificate: string };
  readonly client: { readonly key: string; readonly certificate: string };
}

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

/** An authority with a certificate for a server on 127.0.0.1 and one for its clients: the same curve as the product's. */
export async function makeCertificates(): Promise<Certificates> {
  const validity = { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS) };
  const root = await newKeys();
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: 'CN=bench authority',
    keys: root,
    signingAlgorithm: ECDSA,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const leaf = async (name: string, names: x509.JsonGeneralNames) => {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      ...validity,
      subject: `CN=${name}`,
      issuer: authority.subjectName,
      publicKey: keys.publicKey,
      signingKey: root.privateKey,
      signingAlgorithm: ECDSA,
      extensions: [new x509.SubjectAlternativeNameExtension(names)],
    });
    const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }) as string;
    return { key, certificate: pemOf(certificate) };
  };
  return {
    authority: pemOf(authority),
    server: await leaf('bench server', [{ type: 'ip', value: '127.0.0.1' }]),
    client: await leaf('bench client', [{ type: 'dns', value: 'client' }]),
  };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify']);
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`;
}
