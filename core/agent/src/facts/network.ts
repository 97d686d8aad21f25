import { hostname, networkInterfaces } from 'node:os';

export interface NetworkFact {
  readonly hostname: string;
  /** Addresses other machines may reach, IPv4 first. */
  readonly addresses: readonly string[];
}

export async function network(): Promise<NetworkFact> {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const outward = all.filter(({ internal, scopeid }) => !internal && !scopeid);
  const byFamily = outward.toSorted((a, b) => a.family.localeCompare(b.family));
  return { hostname: hostname(), addresses: byFamily.map(({ address }) => address) };
}
