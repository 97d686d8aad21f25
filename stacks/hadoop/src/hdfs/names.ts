import { type Host, until } from '@stackyard/sdk';
import { bean, classPath, nameNodeBean, portOf, stateOf } from './ask.ts';
import { hdfsCore, hdfsSite, JOURNALNODE, journalNodeSite, NAMENODE, nameNodeSite } from './configs.ts';

const given = (host: Host) => ({ NAME_DIR: host.get(nameNodeSite.nameDirs)[0] ?? '', CLASS_PATH: classPath(host) });
const ownAddress = (host: Host): string => `hdfs://${host.self.address}:${host.get(hdfsSite.rpcPort)}`;

/** The first NameNode makes the file system, each later one fetches it from one that is there. */
export const format = (host: Host): Promise<void> =>
  host.once('format', async () => {
    const nodes = host.instances(NAMENODE);
    const [first] = nodes;
    if (host.self.ordinal === first?.ordinal) {
      const CLUSTER = host.get(hdfsSite.clusterId);
      return void (await host.script('scripts/format.sh', { ...given(host), HOW: 'format', CLUSTER }));
    }
    await until(host, async () => {
      const states = await Promise.all(nodes.map((node) => stateOf(host, node)));
      if (states.some((state) => state === 'active' || state === 'standby')) return;
      throw new Error(`${first?.host} has to serve first, and is ${states[0]}.`);
    });
    const HOW = (await isShared(host)) === false ? 'fetchFirst' : 'fetch';
    await host.script('scripts/format.sh', { ...given(host), HOW });
  });

/** Whether a JournalNode keeps changes already; undefined where none answers. */
async function isShared(host: Host): Promise<boolean | undefined> {
  const asked = host.instances(JOURNALNODE).map(async (node) => {
    const at = { address: node.address, port: portOf(host, node, journalNodeSite.httpPort) };
    const { JournalsStatus } = await bean(host, at, 'JournalNode,name=JournalNodeInfo');
    return String(JournalsStatus).includes('"Formatted":"true"');
  });
  const answers = (await Promise.allSettled(asked)).flatMap((each) =>
    each.status === 'fulfilled' ? [each.value] : [],
  );
  return answers.length === 0 ? undefined : answers.includes(true);
}

/** What a NameNode that was alone so far needs before it is started as one of two. */
export async function shareChanges(host: Host): Promise<void> {
  if (host.instances(NAMENODE).length < 2) return;
  const runs = await nameNodeBean(host, host.self, 'NameNodeInfo').catch(() => undefined);
  if (String(runs?.['NameJournalStatus']).includes('QJM')) return;
  const shared = await isShared(host);
  if (shared === undefined && runs)
    throw new Error('No JournalNode answers that could take the changes. Start them first.');
  if (shared !== false) return;
  const COPY = `${host.get(hdfsCore.tmpDir)}/names`;
  await host.script('scripts/shareChanges.sh', { ...given(host), COPY, AT: ownAddress(host), RUNS: runs ? 'yes' : '' });
}
