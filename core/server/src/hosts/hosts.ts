import { LockMode } from '@mikro-orm/postgresql';
import { hashToken, newToken } from '../access/tokens.ts';
import { findHost } from '../clusters/lookup.ts';
import { HostInUseError, NameTakenError } from '../clusters/errors.ts';
import { AgentCertificate, Cluster, Host, HostComponent, JoinToken } from '../database/entities.ts';
import type { Engine, Transactions } from '../engine/ports.ts';
import { revokeCertificates } from '../identity/agentCertificates.ts';

const DEFAULT_TTL_SECONDS = 1_800;

export interface IssuedToken {
  readonly token: string;
  readonly hostName: string;
  readonly expiresAt: Date;
}

interface AskedTokens {
  readonly createdBy: string;
  readonly ttlSeconds?: number | undefined;
}

type HostEngine = Pick<Engine, 'reachable' | 'disconnect' | 'revoked'>;

/** Bringing hosts in by join tokens, and letting them go. */
export class Hosts {
  readonly #transactions: Transactions;
  readonly #engine: HostEngine;

  constructor(parts: { transactions: Transactions; engine: HostEngine }) {
    this.#transactions = parts.transactions;
    this.#engine = parts.engine;
  }

  /** A single-use token bound to a host name. Only its hash is kept. @throws NameTakenError for a connected host. */
  async issueToken({ hostName, ...asked }: { readonly hostName: string } & AskedTokens): Promise<IssuedToken> {
    const [issued] = await this.issueTokens({ hostNames: [hostName], ...asked });
    return issued!;
  }

  /** One for each host name, all of them or none. @throws NameTakenError for a connected host. */
  async issueTokens({
    hostNames,
    createdBy,
    ttlSeconds = DEFAULT_TTL_SECONDS,
  }: { readonly hostNames: readonly string[] } & AskedTokens): Promise<readonly IssuedToken[]> {
    const now = new Date();
    const expiresAt = new Date(now.getTime() + ttlSeconds * 1000);
    const issued = hostNames.map((hostName) => ({ token: newToken('syj_'), hostName, expiresAt }));
    await this.#transactions.run(async (tx) => {
      const known = await tx.em.find(Host, { name: { $in: [...hostNames] } }, { fields: ['id', 'name'] });
      const connected = known.find(({ id }) => this.#engine.reachable(id));
      if (connected) throw new NameTakenError({ what: 'connected host', name: connected.name });
      await tx.em.insertMany(
        JoinToken,
        issued.map(({ token, hostName }) => ({
          hash: hashToken(token),
          hostName,
          expiresAt,
          usedAt: null,
          createdBy,
          createdAt: now,
        })),
      );
    });
    return issued;
  }

  /**
   * Cuts a host off: none of its certificates is good any more, nor is a join token that nobody has used yet. What is
   * installed there stays on record; a new join token lets it in again.
   */
  async revoke(idOrName: string): Promise<void> {
    const id = await this.#transactions.run(async (tx) => {
      const host = await findHost(tx.em, idOrName);
      const now = new Date();
      await revokeCertificates(tx.em, host.id, now);
      await tx.em.nativeDelete(JoinToken, { hostName: host.name, usedAt: null });
      tx.event('host', host.clusterId ?? undefined, {
        kind: 'host',
        hostId: host.id,
        name: host.name,
        change: 'revoked',
      });
      return host.id;
    });
    this.#engine.revoked(id);
  }

  /**
   * Forgets a host without components; its agent is cut off.
   *
   * @throws HostInUseError while components are on it: "remove" them, with `lost` when the host will not come back.
   */
  async remove(idOrName: string): Promise<void> {
    const id = await this.#transactions.run(async (tx) => {
      const host = await findHost(tx.em, idOrName);
      const components = await tx.em.find(HostComponent, { hostId: host.id });
      if (components.length > 0) {
        const names = components.map(({ component }) => component).join(', ');
        throw new HostInUseError({
          host: host.name,
          reason: `still has ${names}. Remove them first; when the host will not come back, with "lost".`,
        });
      }
      if (host.clusterId)
        await tx.em.nativeUpdate(
          Cluster,
          { id: host.clusterId },
          { revision: await nextRevision(tx.em, host.clusterId) },
        );
      tx.event('host', host.clusterId ?? undefined, {
        kind: 'host',
        hostId: host.id,
        name: host.name,
        change: 'removed',
      });
      await tx.em.nativeDelete(AgentCertificate, { hostId: host.id });
      await tx.em.nativeDelete(JoinToken, { hostName: host.name });
      tx.em.remove(host);
      return host.id;
    });
    this.#engine.disconnect(id);
  }
}

async function nextRevision(em: Parameters<typeof findHost>[0], clusterId: string): Promise<number> {
  const cluster = await em.findOneOrFail(Cluster, { id: clusterId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  return cluster.revision + 1;
}
