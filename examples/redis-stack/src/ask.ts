import type { Host, Instance } from '@stackyard/sdk';
import { conf, SERVER } from './conf.ts';

/** The port of a member: its own where the operator has set one for its host. */
export function portOf(host: Host, member: Instance): number {
  const port = member.overrides?.['redis.conf']?.['port'];
  return typeof port === 'number' ? port : host.get(conf.port);
}

/** What a member answers to a command, without the last line break. Throws what it refuses. */
export async function ask(host: Host, member: Instance, ...words: readonly string[]): Promise<string> {
  const at = ['-h', member.address, '-p', String(portOf(host, member))];
  return (await host.run('redis-cli', '-e', '--raw', ...at, ...words)).stdout.trimEnd();
}

/** A section of INFO by its names. */
export async function info(host: Host, member: Instance, section: string): Promise<Readonly<Record<string, string>>> {
  const lines = (await ask(host, member, 'info', section)).split(/\r?\n/);
  const entries = lines.map((line) => /^(\w+):(.*)$/.exec(line)).filter((entry) => entry !== null);
  return Object.fromEntries(entries.map(([, name = '', value = '']) => [name, value]));
}

/** The member that is to be the primary, as redis.conf says. */
export function primaryOf(host: Host): Instance {
  const wanted = host.get(conf.primary);
  const found = host.instances(SERVER).find((member) => `${member.address} ${portOf(host, member)}` === wanted);
  if (!found) throw new Error(`No member is at ${wanted}. Set redis.conf primary to the address and port of one.`);
  return found;
}
