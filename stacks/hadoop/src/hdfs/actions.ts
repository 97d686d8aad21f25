import { action, type Host, p } from '@stackyard/sdk';
import { activeOf, addressOf, hadoop, nameNodeBean, stateOf } from './ask.ts';
import { NAMENODE } from './configs.ts';

const TOOLS = 'org.apache.hadoop.hdfs.tools';

/** What the operator asks of the file system goes to the NameNode that is active, whichever runs the action. */
async function admin(host: Host, ...args: string[]): Promise<string> {
  const active = await activeOf(host);
  return (await hadoop(host, `${TOOLS}.DFSAdmin`, '-fs', addressOf(host, active), ...args)).stdout.trim();
}

const TOLD = [
  'FSState',
  'CapacityTotal',
  'CapacityUsed',
  'CapacityRemaining',
  'FilesTotal',
  'BlocksTotal',
  'UnderReplicatedBlocks',
  'NumLiveDataNodes',
  'NumDeadDataNodes',
  'NumDecommissioningDataNodes',
];

export const actions = {
  report: action({
    title: 'Report',
    help: 'Room, files, blocks and DataNodes, as the active NameNode counts them',
    idempotent: true,
    run: async (host) => {
      const active = await activeOf(host);
      const said = await nameNodeBean(host, active, 'FSNamesystemState');
      return { active: active.host, ...Object.fromEntries(TOLD.map((name) => [name, said[name] ?? null])) };
    },
  }),
  fsck: action({
    title: 'Check files',
    help: 'Looks for files whose blocks are missing, corrupt or too few; fails where one is corrupt',
    input: { path: p.text('/').pattern(/\/.*/).help('Where it looks, with all below') },
    timeout: 6 * 3600,
    idempotent: true,
    run: async (host, { path }) => (await hadoop(host, `${TOOLS}.DFSck`, path)).stdout.trim(),
  }),
  rebalance: action({
    title: 'Rebalance',
    help: 'Moves blocks until no DataNode is much fuller than the others',
    input: { threshold: p.float(10).min(1).max(100).unit('%').help('How much fuller or emptier one may be') },
    timeout: 24 * 3600,
    idempotent: true,
    run: async (host, { threshold }) => {
      const main = 'org.apache.hadoop.hdfs.server.balancer.Balancer';
      return (await hadoop(host, main, '-threshold', String(threshold))).stdout.trim();
    },
  }),
  enterSafeMode: action({
    title: 'Enter safe mode',
    help: 'Lets files be read only, such as before maintenance',
    danger: 'Every program that writes fails until safe mode is left',
    run: (host) => admin(host, '-safemode', 'enter'),
  }),
  leaveSafeMode: action({
    title: 'Leave safe mode',
    help: 'Lets files be changed again',
    danger: 'Where blocks are missing, files that need them are gone for programs that read them',
    run: (host) => admin(host, '-safemode', 'leave'),
  }),
  failover: action({
    title: 'Fail over',
    help: 'Makes the NameNode that stands by the active one',
    run: async (host) => {
      const active = await activeOf(host);
      const nodes = host.instances(NAMENODE);
      const states = await Promise.all(nodes.map((node) => stateOf(host, node)));
      const next = nodes.find((_, index) => states[index] === 'standby');
      if (!next) throw new Error(`No NameNode stands by for ${active.host}.`);
      const ids = [active, next].map(({ ordinal }) => `nn${ordinal}`);
      await hadoop(host, `${TOOLS}.DFSHAAdmin`, '-failover', ...ids);
      return { active: next.host, before: active.host };
    },
  }),
};
