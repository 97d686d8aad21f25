import type { PeerCertificate } from 'node:tls';
import { peerOf } from '@stackyard/domain';

/** The agent that a client certificate stands for. */
export interface Caller {
  /** Also the agent's id. */
  readonly hostId: string;
  /** Of the certificate, in lower-case hex. */
  readonly serial: string;
}

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/**
 * Who calls, by the certificate that TLS has verified to be of a trusted authority: an agent of this installation, by a
 * certificate that is for calling only and has not expired since. Whether it was revoked is on record elsewhere.
 */
export function callerOf(
  certificate: Pick<PeerCertificate, 'subjectaltname' | 'ext_key_usage' | 'serialNumber' | 'valid_to'> | undefined,
  { installId, now }: { readonly installId: string; readonly now: Date },
): Caller | undefined {
  if (!certificate) return undefined;
  const usages = certificate.ext_key_usage ?? [];
  const peer = peerOf(certificate.subjectaltname);
  if (usages.length !== 1 || usages[0] !== CLIENT_AUTH) return undefined;
  if (peer?.role !== 'agent' || peer.installId !== installId) return undefined;
  // A stream may be opened on a connection that is older than the end of its certificate; not a date: no end, no entry.
  if (!(Date.parse(certificate.valid_to) > now.getTime())) return undefined;
  return { hostId: peer.agentId, serial: certificate.serialNumber.toLowerCase() };
}
