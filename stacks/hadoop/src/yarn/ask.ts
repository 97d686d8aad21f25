import type { Host, Instance, Json } from '@stackyard/sdk';
import { RESOURCEMANAGER, yarnSite } from './site.ts';

type Answer = Readonly<Record<string, Json>>;

export interface Node {
  /** host:port, as YARN calls it. */
  readonly id: string;
  readonly nodeHostName: string;
  readonly state: string;
  readonly numContainers: number;
  readonly version: string;
}

export interface Manager {
  readonly state: string;
  /** ACTIVE or STANDBY; a single one is always active. */
  readonly haState: string;
}

/** A tool of Hadoop as a JVM of its own. The files of the component say where everything is. */
export async function hadoop(host: Host, main: string, ...args: readonly string[]): Promise<string> {
  const classPath = `${host.paths.config}:${host.paths.packages['hadoop']}/lib/*`;
  const jvm = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath];
  return (await host.run('java', ...jvm, main, ...args)).stdout.trim();
}

export const rmadmin = (host: Host, ...args: readonly string[]) =>
  hadoop(host, 'org.apache.hadoop.yarn.client.cli.RMAdminCLI', ...args);

/** What a ResourceManager says of itself. */
export async function manager(host: Host, { address }: Pick<Instance, 'address'>): Promise<Manager> {
  const { clusterInfo } = (await host.fetchJson(host.get(yarnSite.webPort), '/ws/v1/cluster/info', { address })) as {
    clusterInfo: unknown;
  };
  return clusterInfo as Manager;
}

/** The ResourceManager that decides now: only it answers what others redirect. */
export async function active(host: Host): Promise<Instance> {
  const reasons: string[] = [];
  for (const member of host.instances(RESOURCEMANAGER)) {
    try {
      const { haState } = await manager(host, member);
      if (haState === 'ACTIVE') return member;
      reasons.push(`${member.host} is ${haState}`);
    } catch (error) {
      reasons.push((error as Error).message);
    }
  }
  throw new Error(`No ResourceManager is active: ${reasons.join(', ')}.`);
}

/** What the active ResourceManager answers at a path of its REST. */
export async function ask(host: Host, path: string): Promise<Answer> {
  const { address } = await active(host);
  return (await host.fetchJson(host.get(yarnSite.webPort), `/ws/v1/cluster${path}`, { address })) as Answer;
}

export async function nodes(host: Host): Promise<readonly Node[]> {
  const { nodes: found } = (await ask(host, '/nodes')) as unknown as { nodes: { node?: readonly Node[] } | null };
  return found?.node ?? [];
}
