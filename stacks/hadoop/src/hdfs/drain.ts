import { type Host, type Instance, until } from '@stackyard/sdk';
import { activeOf, type Bean, nameNodeBean } from './ask.ts';
import { hdfsSite } from './configs.ts';

type Told = Readonly<Record<string, Bean>>;

/** What the active NameNode knows of DataNodes, by address. It tells it as JSON in texts, by address and port. */
async function dataNodes(host: Host): Promise<{ live: Told; dead: Told; leaving: Told }> {
  const told = await nameNodeBean(host, await activeOf(host), 'NameNodeInfo');
  const of = (name: string): Told => {
    const byPort = Object.entries(JSON.parse(String(told[name])) as Told);
    return Object.fromEntries(byPort.map(([key, node]) => [key.slice(0, key.lastIndexOf(':')), node]));
  };
  return { live: of('LiveNodes'), dead: of('DeadNodes'), leaving: of('DecomNodes') };
}

/** Ends when every block of those that leave has enough copies elsewhere; tells how many are still to be copied. */
export async function drain(host: Host, nodes: readonly Instance[]): Promise<void> {
  let said = '';
  await until(host, async () => {
    const { live, dead, leaving } = await dataNodes(host);
    const left = nodes.flatMap((node) => {
      const key = node.address;
      if (live[key]?.['adminState'] === 'Decommissioned' || dead[key]?.['decommissioned'] === true) return [];
      const blocks = leaving[key]?.['underReplicatedBlocks'];
      if (!live[key]) return [`${node.host} is silent: start it, or remove it once no block has too few copies`];
      return [`${node.host} has ${blocks === undefined ? 'not been asked yet' : `${blocks} blocks to copy`}`];
    });
    if (left.length === 0) return;
    const staying = Object.values(live).filter(({ adminState }) => adminState === 'In Service').length;
    const copies = host.get(hdfsSite.replication);
    const few = staying < copies ? ` Only ${staying} DataNodes stay for files of ${copies} copies: add one.` : '';
    const now = `${left.join(', ')}.${few}`;
    if (now !== said) host.log(now);
    said = now;
    throw new Error(now);
  });
  host.log('Every block has enough copies elsewhere.');
}

/** Those that stay after all take blocks again. */
export const takeBack = (host: Host, nodes: readonly Instance[]): Promise<void> =>
  until(host, async () => {
    const { live } = await dataNodes(host);
    for (const node of nodes) {
      const { adminState = 'silent' } = live[node.address] ?? {};
      if (adminState !== 'In Service') throw new Error(`${node.host} is ${adminState} for the NameNode.`);
    }
  });
