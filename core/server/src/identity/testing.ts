import { createSecureContext } from 'node:tls';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import '@stackyard/kernel';
import * as x509 from '@peculiar/x509';
import { KEY, newKeys, privateKeyPem } from './certificates.ts';

/** What a joined agent has. All PEM. */
export interface AgentCredentials {
  readonly agentId: string;
  readonly installId: string;
  readonly key: string;
  readonly certificate: string;
  readonly authorities: string;
}

/** A new key (PEM) and an honest certificate signing request for it (DER). */
export async function newRequest(): Promise<{ readonly key: string; readonly request: Buffer }> {
  const keys = await newKeys();
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: KEY });
  return { key: privateKeyPem(keys.privateKey), request: Buffer.from(request.rawData) };
}

/** Channels of a client that trusts the server of its installation and shows its certificate. */
export function channelCredentials({
  key,
  certificate,
  authorities,
}: Pick<AgentCredentials, 'key' | 'certificate' | 'authorities'>): ChannelCredentials {
  const context = createSecureContext({ key, cert: certificate, ca: authorities, minVersion: 'TLSv1.3' });
  return credentials.createFromSecureContext(context, { checkServerIdentity: () => undefined });
}

/** For channels of their own; an address is no name that TLS could ask for. */
export const channelOptions = { 'grpc.use_local_subchannel_pool': 1, 'grpc.ssl_target_name_override': 'stackyard' };
