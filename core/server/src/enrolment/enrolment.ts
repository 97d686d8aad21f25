import { randomUUID, verify, X509Certificate } from 'node:crypto';
import { peerOf } from '@stackyard/domain';
import type { Clock } from '@stackyard/kernel';
import type { Pool } from 'pg';
import { hashToken } from '../access/tokens.ts';
import type { Transactions } from '../engine/ports.ts';
import { GRACE_MS, replaceCertificates } from '../identity/agentCertificates.ts';
import type { Identity } from '../identity/identity.ts';
import { keyOfRequest } from '../identity/request.ts';

export interface EnrolmentOptions {
  readonly sql: Pool;
  readonly transactions: Transactions;
  readonly identity: Identity;
  readonly clock: Clock;
  /** A host joined, or joined again with a new certificate. */
  readonly onJoined: (hostId: string) => void;
}

export interface JoinRequest {
  readonly token: string;
  readonly hostName: string;
  /** A certificate signing request (PKCS #10, DER). */
  readonly request: Uint8Array;
}

export interface RenewalRequest {
  /** The certificate that the agent has, PEM. */
  readonly certificate: string;
  /** A certificate signing request for the new key (PKCS #10, DER). */
  readonly request: Uint8Array;
  /** ECDSA with SHA-256 (DER) over the request, by the key of the certificate. */
  readonly signature: Uint8Array;
}

export interface Enrolled {
  readonly agentId: string;
  readonly installId: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM of every authority that the agent is to trust. */
  readonly authorities: string;
}

const HOST_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/;

/** How a host becomes known, and how it stays known after its certificate has expired. */
export class Enrolment {
  readonly #options: EnrolmentOptions;

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /**
   * Turns a join token into an agent's certificate: once, before it expires, for the host it was made for. A host that
   * joins again keeps its id, and its earlier certificates are revoked.
   *
   * @returns undefined when the token is not good for this host
   * @throws RequestRefusedError
   */
  async join({ token, hostName, request }: JoinRequest): Promise<Enrolled | undefined> {
    const { transactions, identity, clock, onJoined } = this.#options;
    const hash = hashToken(token);
    // A guess costs one look and never reaches the writer.
    if (!HOST_NAME.test(hostName) || !(await this.#isGood(hash, hostName))) return undefined;
    await keyOfRequest(request);
    const enrolled = await transactions.run(async (tx) => {
      const now = clock.now();
      const used = await tx.em.execute<unknown[]>(
        `update join_token set used_at = ? where hash = ? and used_at is null and expires_at > ? and host_name = ? returning 1`,
        [now, hash, now, hostName],
      );
      if (used.length !== 1) return undefined;
      const [host] = await tx.em.execute<{ id: string; clusterId: string | null }[]>(
        `insert into host (id, name, address, bind, root, local, session_no, connected, joined_at)
         values (?, ?, '', '', '', false, 0, false, ?)
         on conflict (name) do update set joined_at = excluded.joined_at, trusted_authorities = null
         returning id, cluster_id as "clusterId"`,
        [randomUUID(), hostName, now],
      );
      if (!host) throw new Error('PostgreSQL returned no row for an upsert.');
      const signed = await identity.sign(host.id, request);
      await replaceCertificates(tx.em, host.id, signed);
      tx.event('host', host.clusterId ?? undefined, {
        kind: 'host',
        hostId: host.id,
        name: hostName,
        change: 'joined',
      });
      return this.#answer(host.id, signed.pem);
    });
    if (enrolled) onJoined(enrolled.agentId);
    return enrolled;
  }

  /**
   * A new certificate for an agent whose own has expired, up to 30 days ago, or soon will: it proves to hold the old key.
   *
   * @returns undefined when the certificate is not one that may be renewed
   * @throws RequestRefusedError
   */
  async renew({ certificate, request, signature }: RenewalRequest): Promise<Enrolled | undefined> {
    const { identity } = this.#options;
    const old = this.#proven(certificate, request, signature);
    if (!old || !(await identity.accepts(old, new X509Certificate(certificate)))) return undefined;
    const signed = await identity.sign(old.hostId, request);
    return (await identity.certificates.renewed(old, signed)) ? this.#answer(old.hostId, signed.pem) : undefined;
  }

  /** Whom a certificate stands for: of this installation, not long over, shown by whoever holds its key. */
  #proven(pem: string, request: Uint8Array, signature: Uint8Array): { hostId: string; serial: string } | undefined {
    const { identity, clock } = this.#options;
    try {
      const certificate = new X509Certificate(pem);
      const peer = peerOf(certificate.subjectAltName);
      const now = clock.now().getTime();
      const isOurs = identity.trusted.some(
        (authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
      );
      if (!isOurs || peer?.role !== 'agent' || peer.installId !== identity.installId) return undefined;
      if (!(certificate.validToDate.getTime() + GRACE_MS > now)) return undefined;
      if (!verify('sha256', request, certificate.publicKey, signature)) return undefined;
      return { hostId: peer.agentId, serial: certificate.serialNumber.toLowerCase() };
    } catch {
      // Whatever it is, it is no certificate of ours.
      return undefined;
    }
  }

  #answer(agentId: string, certificate: string): Enrolled {
    const { identity } = this.#options;
    return { agentId, installId: identity.installId, certificate, authorities: identity.trustedPem };
  }

  async #isGood(hash: string, hostName: string): Promise<boolean> {
    const { sql, clock } = this.#options;
    const { rowCount } = await sql.query({
      name: 'join-token',
      text: 'select 1 from join_token where hash = $1 and host_name = $2 and used_at is null and expires_at > $3',
      values: [hash, hostName, clock.now()],
    });
    return rowCount === 1;
  }
}
