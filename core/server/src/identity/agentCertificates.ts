import type { EntityManager } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import { AgentCertificate } from '../database/entities.ts';
import type { Caller } from './caller.ts';

/** A certificate that was signed for an agent. */
export interface SignedCertificate {
  readonly serial: string;
  /** SHA-256 of the authority that signed it. */
  readonly authority: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  readonly pem: string;
}

/** More than an honest agent ever has at once: of renewals whose answer was lost, and of a rotation back and forth. */
const LIVE_PER_HOST = 16;
/** For so long after its end a certificate still proves who asks for a new one. */
export const GRACE_MS = 30 * 86_400_000;

/** Which certificates of agents are good: those on record here and not revoked. */
export class AgentCertificates {
  readonly #sql: Pool;

  constructor(sql: Pool) {
    this.#sql = sql;
  }

  /** Whether the certificate of a caller is on record, of a host that is still known, and not revoked. */
  async isGood({ hostId, serial }: Caller): Promise<boolean> {
    const { rowCount } = await this.#sql.query({
      name: 'agent-certificate',
      text: `select 1 from agent_certificate as c join host as h on h.id = c.host_id
             where c.serial = $1 and c.host_id = $2 and c.revoked_at is null`,
      values: [serial, hostId],
    });
    return rowCount === 1;
  }

  /**
   * Puts a certificate on record that one of our authorities has signed and that is not there: after a backup was
   * restored, agents come back with what they were given since. One that is as old as a revocation of its host stays out.
   *
   * @returns false when it is on record already, or not to be trusted
   */
  async adopt({ hostId, serial }: Caller, found: Omit<SignedCertificate, 'serial' | 'pem'>): Promise<boolean> {
    const { rowCount } = await this.#sql.query({
      name: 'adopt-agent-certificate',
      text: `insert into agent_certificate (serial, host_id, authority, issued_at, expires_at)
             select $1, id, $3, $4, $5 from host
             where id = $2 and not exists (select 1 from agent_certificate where host_id = $2 and revoked_at >= $4)
             on conflict do nothing`,
      values: [serial, hostId, found.authority, found.issuedAt, found.expiresAt],
    });
    return rowCount === 1;
  }

  /** Of these hosts, those whose agent may go on: it has a certificate that is neither revoked nor expired. */
  async stillGood(hostIds: readonly string[], now: Date): Promise<Set<string>> {
    const { rows } = await this.#sql.query<{ id: string }>({
      name: 'agents-with-certificates',
      text: `select distinct c.host_id as id from agent_certificate as c join host as h on h.id = c.host_id
             where c.host_id = any($1) and c.revoked_at is null and c.expires_at > $2`,
      values: [hostIds, now],
    });
    return new Set(rows.map(({ id }) => id));
  }

  /**
   * Puts a renewed certificate on record, in place of those that ended long ago.
   *
   * @returns false when the host has as many already as it can need, or its certificates were revoked meanwhile
   */
  async renewed({ hostId, serial }: Caller, next: SignedCertificate): Promise<boolean> {
    const { rowCount } = await this.#sql.query({
      name: 'renew-agent-certificate',
      text: `with ended as (delete from agent_certificate where host_id = $1 and expires_at < $6 and revoked_at is null)
             insert into agent_certificate (serial, host_id, authority, issued_at, expires_at)
             select $2, $1, $3, $4, $5
             where exists (select 1 from agent_certificate where serial = $7 and revoked_at is null)
               and (select count(*) from agent_certificate
                    where host_id = $1 and revoked_at is null and expires_at > $4) < $8`,
      values: [
        hostId,
        next.serial,
        next.authority,
        next.issuedAt,
        next.expiresAt,
        new Date(next.issuedAt.getTime() - GRACE_MS - 86_400_000),
        serial,
        LIVE_PER_HOST,
      ],
    });
    return rowCount === 1;
  }

  /** Names of the hosts whose newest good certificate is of another authority than this one. */
  async hostsNotOf(authority: string, now: Date): Promise<string[]> {
    const { rows } = await this.#sql.query<{ name: string }>(
      `select name from (
         select distinct on (h.id) h.name, c.authority from host as h join agent_certificate as c on c.host_id = h.id
         where c.revoked_at is null and c.expires_at > $2 order by h.id, c.issued_at desc, c.serial
       ) as newest where authority <> $1 order by name`,
      [authority, new Date(now.getTime() - GRACE_MS)],
    );
    return rows.map(({ name }) => name);
  }

  /** Names of the hosts that have a good certificate and have not said that they trust an authority. */
  async hostsNotTrusting(authority: string, now: Date): Promise<string[]> {
    const { rows } = await this.#sql.query<{ name: string }>(
      `select h.name from host as h where not coalesce(h.trusted_authorities @> to_jsonb($1::text), false)
         and exists (select 1 from agent_certificate where host_id = h.id and revoked_at is null and expires_at > $2)
       order by h.name`,
      [authority, new Date(now.getTime() - GRACE_MS)],
    );
    return rows.map(({ name }) => name);
  }

  /** The agent of a host has said whom it trusts. */
  async trusts(hostId: string, authorities: readonly string[]): Promise<void> {
    await this.#sql.query({
      name: 'agent-trusts',
      text: `update host set trusted_authorities = $2::jsonb
             where id = $1 and trusted_authorities is distinct from $2::jsonb`,
      values: [hostId, JSON.stringify(authorities)],
    });
  }
}

/** Within a transaction: puts a first certificate on record; all earlier ones of the host are revoked. */
export async function replaceCertificates(em: EntityManager, hostId: string, next: SignedCertificate): Promise<void> {
  await revokeCertificates(em, hostId, next.issuedAt);
  const { serial, authority, issuedAt, expiresAt } = next;
  em.create(AgentCertificate, { serial, hostId, authority, issuedAt, expiresAt, revokedAt: null });
}

/** Within a transaction: none of the host's certificates is good any more. @returns how many were */
export async function revokeCertificates(em: EntityManager, hostId: string, now: Date): Promise<number> {
  return em.nativeUpdate(AgentCertificate, { hostId, revokedAt: null }, { revokedAt: now });
}
