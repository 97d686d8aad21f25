import { randomBytes, randomUUID } from 'node:crypto';
import { hashSecret } from './credentials.ts';
import type { Events } from '../ports.ts';

export interface Joined {
  readonly hostId: string;
  readonly secret: string;
}

const HOST_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/;

/**
 * Turns a join token into an agent's id and secret: once, before it expires, for the host it was made for. A host that
 * joins again keeps its id and gets a new secret.
 *
 * @returns undefined when the token is not good for this host
 */
export async function join(
  events: Pick<Events, 'run'>,
  { token, hostName, now }: { readonly token: string; readonly hostName: string; readonly now: Date },
): Promise<Joined | undefined> {
  if (!HOST_NAME.test(hostName)) return undefined;
  const secret = randomBytes(32).toString('base64url');
  return await events.run(async (tx) => {
    const used = await tx.em.execute<unknown[]>(
      `update join_token set used_at = ? where hash = ? and used_at is null and expires_at > ? and host_name = ? returning 1`,
      [now, hashSecret(token), now, hostName],
    );
    if (used.length !== 1) return undefined;
    const rows = await tx.em.execute<{ id: string; clusterId: string | null }[]>(
      `insert into host (id, name, address, bind, root, local, secret_hash, session_no, connected, joined_at)
       values (?, ?, '', '', '', false, ?, 0, false, ?)
       on conflict (name) do update set secret_hash = excluded.secret_hash, joined_at = excluded.joined_at
       returning id, cluster_id as "clusterId"`,
      [randomUUID(), hostName, hashSecret(secret), now],
    );
    const [host] = rows;
    if (!host) return undefined;
    tx.event('host', host.clusterId ?? undefined, { kind: 'host', hostId: host.id, name: hostName, change: 'joined' });
    return { hostId: host.id, secret };
  });
}
