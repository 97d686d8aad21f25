import { type Host, type Instance, until } from '@stackyard/sdk';
import { activeOf, addressOf, type Bean, hadoop, nameNodeBean, stateOf } from './ask.ts';
import { DATANODE, hdfsSite, NAMENODE } from './configs.ts';

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

/**
 * NameNodes read dfs.exclude again. One that was emptied and removed is not in it any more: while they take it for alive
 * they would count its blocks again, and delete copies elsewhere in their favor.
 */
async function tellNameNodes(host: Host): Promise<void> {
  const members = host.instances(DATANODE).map(({ address }) => address);
  await until(host, async () => {
    const { live } = await dataNodes(host);
    const removed = Object.keys(live).filter((address) => !members.includes(address));
    if (removed.length === 0) return;
    throw new Error(
      `${removed.join(', ')} was removed, and is alive for the NameNode until it was silent for long enough.`,
    );
  });
  for (const node of host.instances(NAMENODE)) {
    if ((await stateOf(host, node)) === 'silent')
      host.log(`${node.host} is silent. It learns who leaves when it starts.`);
    else await hadoop(host, 'org.apache.hadoop.hdfs.tools.DFSAdmin', '-fs', addressOf(host, node), '-refreshNodes');
  }
}

/** Ends when every block of those that leave has enough copies elsewhere; tells how many are still to be copied. */
export async function drain(host: Host, nodes: readonly Instance[]): Promise<void> {
  await tellNameNodes(host);
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
export async function takeBack(host: Host, nodes: readonly Instance[]): Promise<void> {
  await tellNameNodes(host);
  await until(host, async () => {
    const { live } = await dataNodes(host);
    for (const node of nodes) {
      const { adminState = 'silent' } = live[node.address] ?? {};
      if (adminState !== 'In Service') throw new Error(`${node.host} is ${adminState} for the NameNode.`);
    }
  });
}
