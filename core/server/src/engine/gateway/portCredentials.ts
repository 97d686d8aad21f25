import { ServerCredentials } from '@grpc/grpc-js';
import type { TlsMaterial } from '../../identity/serverLeaf.ts';

/** Where the server's certificate comes from. */
export interface TlsSource {
  readonly material: TlsMaterial;
  onRenewed(listener: (material: TlsMaterial) => void): () => void;
}

/** Who has not shown a certificate by then is disconnected. */
const HANDSHAKE_MS = 10_000;

/**
 * TLS 1.3 with a client certificate of a trusted authority, on every connection of the agents' port. A new certificate
 * or another set of authorities counts from the next handshake on; connections that are open stay.
 */
export class PortCredentials extends ServerCredentials {
  readonly #forget: () => void;

  constructor(tls: TlsSource) {
    super(
      { requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3', handshakeTimeout: HANDSHAKE_MS },
      contextOf(tls.material),
    );
    this.#forget = tls.onRenewed((material) => this.updateSecureContextOptions(contextOf(material)));
  }

  _equals(other: ServerCredentials): boolean {
    return this === other;
  }

  close(): void {
    this.#forget();
  }
}

function contextOf({ key, cert, ca }: TlsMaterial) {
  return { key, cert, ca, minVersion: 'TLSv1.3' as const };
}
