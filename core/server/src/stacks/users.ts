import type { EntityManager } from '@mikro-orm/postgresql';

interface User {
  readonly cluster: string;
  readonly service: string;
  readonly pinned: boolean;
}

const query = `select distinct coalesce(c.name, s.cluster_id::text) as cluster, s.name as service,
    s.stack_digest = ? as pinned
  from service s left join cluster c on c.id = s.cluster_id left join host_component hc on hc.service_id = s.id
  where s.stack_digest = ? or hc.stack_digest = ? order by 1, 2`;

/** Who is to run from an artifact, or still does, in words. */
export async function usersOf(em: EntityManager, digest: string): Promise<string[]> {
  const rows = await em.execute<User[]>(query, [digest, digest, digest]);
  return rows.map(({ cluster, service, pinned }) => {
    const what = `${service} of cluster ${cluster}`;
    return pinned ? what : `host components of ${what} that are not upgraded`;
  });
}

/** Digests of all artifacts that are installed, or that something runs from. */
export async function usedDigests(em: EntityManager): Promise<ReadonlySet<string>> {
  const rows = await em.execute<{ digest: string }[]>(
    `select digest from stack union select stack_digest from service
     union select stack_digest from host_component where stack_digest is not null`,
  );
  return new Set(rows.map(({ digest }) => digest));
}
