import { type Host, type Instance, until } from '@stackyard/sdk';
import { ask, info, portOf, primaryOf } from './ask.ts';
import { SERVER } from './conf.ts';

/** The member that takes writes now, this one not counted. */
async function otherPrimary(host: Host): Promise<Instance | undefined> {
  for (const member of host.instances(SERVER)) {
    if (member.ordinal === host.self.ordinal) continue;
    const { role } = await info(host, member, 'replication').catch(() => ({ role: undefined }));
    if (role === 'master') return member;
  }
  return undefined;
}

/** Hands the writes over without losing one: writes wait until the other has all there is. */
async function handOver(host: Host, from: Instance, to: Instance): Promise<never> {
  await ask(host, from, 'failover', 'to', to.address, String(portOf(host, to)), 'timeout', '60000');
  throw new Error(`${from.host} hands its writes over to ${to.host}.`);
}

/** Makes a running member what its redis.conf says: the primary, or a replica of it. */
export const settle = (host: Host): Promise<void> =>
  until(host, async () => {
    const primary = primaryOf(host);
    const now = await info(host, host.self, 'replication');
    if (primary.ordinal === host.self.ordinal) {
      if (now['role'] === 'master') return;
      const other = await otherPrimary(host);
      if (other) await handOver(host, other, host.self);
      await ask(host, host.self, 'replicaof', 'no', 'one');
      return;
    }
    if (now['role'] === 'master') await handOver(host, host.self, primary);
    const port = String(portOf(host, primary));
    if (now['master_host'] === primary.address && now['master_port'] === port) return;
    await ask(host, host.self, 'replicaof', primary.address, port);
  });

/** Who leaves may go once it takes no writes any more; those that stay have all it had. */
export const drain = (host: Host): Promise<void> =>
  until(host, async () => {
    const { role } = await info(host, host.self, 'replication');
    if (role !== 'slave') throw new Error(`${host.self.host} still takes writes.`);
    host.log(`${host.self.host} takes no writes any more.`);
  });

/** A key that is written to the primary can be read here. A port that is open does not say that. */
export const check = (host: Host): Promise<void> =>
  until(host, async () => {
    const primary = primaryOf(host);
    const key = `stackyard:check:${host.self.hostComponentId}`;
    const written = String(Date.now());
    await ask(host, primary, 'set', key, written, 'ex', '60');
    const read = await ask(host, host.self, 'get', key);
    if (read !== written) throw new Error(`${host.self.host} does not have yet what ${primary.host} was given.`);
    host.log(`${host.self.host} has what ${primary.host} was given.`);
  });
