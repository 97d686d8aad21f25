import type { Host, Instance, PropertyHandle } from '@stackyard/sdk';
import { hdfsSite, NAMENODE } from './configs.ts';

/** Attributes of a bean. Hadoop puts whatever is longer into texts of JSON. */
export type Bean = Readonly<Record<string, string | number | boolean | null>>;

/** A port of another host component: its own where the operator has set one for its host. */
export function portOf(host: Host, { overrides }: Instance, port: PropertyHandle<number>): number {
  const own = overrides?.[port.ref.config]?.[port.ref.property];
  return typeof own === 'number' ? own : host.get(port);
}

/** What a daemon says of itself by a bean, without a JVM that would take seconds to start. */
export async function bean(host: Host, at: { address: string; port: number }, name: string): Promise<Bean> {
  const answer = await host.fetchJson(at.port, `/jmx?qry=Hadoop:service=${name}`, { address: at.address });
  const [found] = (answer as { beans: readonly Bean[] }).beans;
  if (!found) throw new Error(`${at.address}:${at.port} does not know ${name} yet.`);
  return found;
}

export const nameNodeBean = (host: Host, node: Instance, name: string): Promise<Bean> =>
  bean(host, { address: node.address, port: portOf(host, node, hdfsSite.httpPort) }, `NameNode,name=${name}`);

/** Where a NameNode, and not whichever is active, answers for the file system. */
export const addressOf = (host: Host, node: Instance): string =>
  `hdfs://${node.address}:${portOf(host, node, hdfsSite.rpcPort)}`;

/** `active`, `standby`, what else it says of itself, or `silent`. */
export async function stateOf(host: Host, node: Instance): Promise<string> {
  const { State } = await nameNodeBean(host, node, 'NameNodeStatus').catch(() => ({ State: 'silent' }));
  return String(State);
}

/** The NameNode that answers for the file system now. */
export async function activeOf(host: Host): Promise<Instance> {
  const nodes = host.instances(NAMENODE);
  const states = await Promise.all(nodes.map((node) => stateOf(host, node)));
  const active = nodes.find((_, index) => states[index] === 'active');
  if (active) return active;
  const said = nodes.map((node, index) => `${node.host} is ${states[index]}`);
  throw new Error(`No NameNode is active: ${said.join(', ')}.`);
}

/** Where the classes of Hadoop and the files of this host component are. */
export const classPath = ({ paths }: Host): string => `${paths.config}:${paths.packages['hadoop']}/lib/*`;

/** A program of Hadoop, with the configs of this host component. */
export const hadoop = (host: Host, main: string, ...args: string[]) =>
  host.run('java', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath(host), main, ...args);
