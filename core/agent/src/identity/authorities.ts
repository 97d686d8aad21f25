import { createHash, X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { peerOf } from '@stackyard/domain';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

/** The certificates of a PEM text, one by one. */
export function certificatesIn(pem: string): X509Certificate[] {
  return (pem.match(CERTIFICATE) ?? []).map((each) => new X509Certificate(each));
}

/** SHA-256 of a certificate (DER), hex: how an authority is named and pinned. */
export function sha256Of(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('hex');
}

/** The SHA-256 of each authority that a PEM text holds, sorted. */
export function sha256sOf(authorities: string): string[] {
  return certificatesIn(authorities).map(sha256Of).toSorted();
}

/** Whether a PEM text holds authorities of one installation, and nothing else. */
export function areAuthoritiesOf(authorities: string, installId: string): boolean {
  const found = certificatesIn(authorities);
  return found.length > 0 && found.every((each) => installationOf(each) === installId);
}

/** The installation whose authority a certificate is; undefined when it is none. */
export function installationOf(certificate: X509Certificate): string | undefined {
  const peer = peerOf(certificate.subjectAltName);
  return certificate.ca && peer?.role === 'authority' ? peer.installId : undefined;
}

/** SHA-256 of the authority among these that has signed a certificate. */
export function issuerOf(certificate: string, authorities: string): string | undefined {
  const own = new X509Certificate(certificate);
  const issuer = certificatesIn(authorities).find((each) => own.checkIssued(each) && own.verify(each.publicKey));
  return issuer && sha256Of(issuer);
}

/**
 * Checks, after TLS has found the chain good, that the peer is the server of an installation. A host name proves nothing
 * here: servers move, and every agent has a certificate of the same authority.
 */
export function serverCheck(installId: string) {
  return (_host: string, certificate: PeerCertificate): Error | undefined => {
    const peer = peerOf(certificate.subjectaltname);
    const usages = certificate.ext_key_usage ?? [];
    const serves = usages.length === 1 && usages[0] === SERVER_AUTH;
    if (serves && peer?.role === 'server' && peer.installId === installId) return undefined;
    return new Error(`The peer is not the server of installation ${installId}.`);
  };
}
