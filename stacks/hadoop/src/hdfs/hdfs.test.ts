import type { Json } from '@stackyard/sdk';
import { simulate } from '@stackyard/sdk/testing';
import { expect, test } from 'vitest';
import stack from '../index.ts';
import { client } from './client.ts';
import { dataNodeSite, racks } from './configs.ts';
import { dataNode } from './dataNode.ts';
import { failover, journalNode } from './ha.ts';
import { nameNode } from './nameNode.ts';
import { secondaryNameNode } from './secondary.ts';

const single = simulate(stack).add(nameNode, 'h1').add(dataNode, 'h1', 'h2', 'h3').add(client, 'edge');
const ha = simulate(stack)
  .imports('zookeeper', { connect: '10.0.0.9:2181' })
  .add(journalNode, 'h1', 'h2', 'h3')
  .add(nameNode, 'h1', 'h2')
  .add(failover, 'h2', 'h1')
  .add(dataNode, 'h1', 'h2', 'h3');
const CONFIG = '/etc/stackyard/hdfs';

/** Settings of a file by name. */
const settings = (xml = ''): Record<string, string> =>
  Object.fromEntries(
    [...xml.matchAll(/<name>(.*?)<\/name>\s*<value>(.*?)<\/value>/g)].map(([, name = '', value = '']) => [name, value]),
  );

test('one NameNode is named by address in the files of all', async () => {
  const { files } = await single.run(nameNode, 'configure', 'h1');
  expect(settings(files[`${CONFIG}/namenode/core-site.xml`])).toMatchInlineSnapshot(`
    {
      "fs.defaultFS": "hdfs://10.0.0.1:8020",
      "hadoop.http.staticuser.user": "hadoop",
      "hadoop.prometheus.endpoint.enabled": "true",
      "hadoop.tmp.dir": "/var/lib/hadoop-hdfs/tmp",
      "hadoop.user.group.static.mapping.overrides": "dr.who=;yarn=hadoop;mapred=hadoop",
    }
  `);
  expect(settings(files[`${CONFIG}/namenode/hdfs-site.xml`])).toMatchInlineSnapshot(`
    {
      "dfs.blocksize": "128m",
      "dfs.client.use.datanode.hostname": "true",
      "dfs.datanode.use.datanode.hostname": "true",
      "dfs.heartbeat.interval": "3",
      "dfs.namenode.checkpoint.period": "3600",
      "dfs.namenode.http-address": "10.0.0.1:9870",
      "dfs.namenode.rpc-address": "10.0.0.1:8020",
      "dfs.replication": "3",
    }
  `);
  expect(settings(files[`${CONFIG}/namenode/namenode-site.xml`])).toMatchInlineSnapshot(`
    {
      "dfs.hosts.exclude": "/etc/stackyard/hdfs/namenode/dfs.exclude",
      "dfs.namenode.datanode.registration.ip-hostname-check": "false",
      "dfs.namenode.decommission.interval": "30",
      "dfs.namenode.handler.count": "32",
      "dfs.namenode.heartbeat.recheck-interval": "300000",
      "dfs.namenode.http-bind-host": "0.0.0.0",
      "dfs.namenode.name.dir": "/var/lib/hdfs/name",
      "dfs.namenode.rpc-bind-host": "0.0.0.0",
      "dfs.namenode.safemode.extension": "30000",
      "dfs.namenode.safemode.threshold-pct": "0.999",
      "net.topology.script.file.name": "/etc/stackyard/hdfs/namenode/racks.sh",
    }
  `);
});

test('DataNodes that share a machine have ports of their own and are known by their addresses', async () => {
  const { files } = await single.local().run(dataNode, 'configure', 'h3');
  expect(settings(files[`/srv/h3${CONFIG}/datanode/datanode-site.xml`])).toMatchInlineSnapshot(`
    {
      "dfs.datanode.address": "127.0.0.13:10166",
      "dfs.datanode.balance.bandwidthPerSec": "100m",
      "dfs.datanode.data.dir": "/srv/h3/var/lib/hdfs/data",
      "dfs.datanode.du.reserved": "0",
      "dfs.datanode.failed.volumes.tolerated": "0",
      "dfs.datanode.hostname": "127.0.0.13",
      "dfs.datanode.http.address": "127.0.0.13:9864",
      "dfs.datanode.ipc.address": "127.0.0.13:9867",
      "dfs.datanode.max.transfer.threads": "4096",
    }
  `);
});

test('a DataNode has as many disks as the operator says, on a host of its own account', async () => {
  const cluster = single.override('h2', dataNodeSite.dataDirs, ['/disk1/hdfs', '/disk2/hdfs']).local();
  const { files } = await cluster.run(dataNode, 'configure', 'h2');
  const site = settings(files[`/srv/h2${CONFIG}/datanode/datanode-site.xml`]);
  expect(site['dfs.datanode.data.dir']).toBe('/srv/h2/disk1/hdfs,/srv/h2/disk2/hdfs');
});

test('NameNodes are told the rack of each DataNode', async () => {
  const cluster = single.override('h2', racks.rack, '/hall1/rack7');
  const { files } = await cluster.run(nameNode, 'configure', 'h1');
  const lines = files[`${CONFIG}/namenode/racks.sh`]?.split('\n').filter((line) => line.includes('echo'));
  expect(lines).toEqual([
    '    10.0.0.1) echo /default-rack ;;',
    '    10.0.0.2) echo /hall1/rack7 ;;',
    '    10.0.0.3) echo /default-rack ;;',
    '    *) echo /default-rack ;;',
  ]);
});

test('two NameNodes are one name for everybody', async () => {
  const { files } = await ha.run(failover, 'configure', 'h2');
  expect(settings(files[`${CONFIG}/zkfc/core-site.xml`])['fs.defaultFS']).toBe('hdfs://hdfs');
  expect(settings(files[`${CONFIG}/zkfc/hdfs-site.xml`])).toMatchInlineSnapshot(`
    {
      "dfs.blocksize": "128m",
      "dfs.client.failover.proxy.provider.hdfs": "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider",
      "dfs.client.use.datanode.hostname": "true",
      "dfs.datanode.use.datanode.hostname": "true",
      "dfs.ha.automatic-failover.enabled": "true",
      "dfs.ha.fencing.methods": "shell(/bin/true)",
      "dfs.ha.namenode.id": "nn2",
      "dfs.ha.namenodes.hdfs": "nn1,nn2",
      "dfs.heartbeat.interval": "3",
      "dfs.namenode.checkpoint.period": "3600",
      "dfs.namenode.http-address.hdfs.nn1": "10.0.0.1:9870",
      "dfs.namenode.http-address.hdfs.nn2": "10.0.0.2:9870",
      "dfs.namenode.rpc-address.hdfs.nn1": "10.0.0.1:8020",
      "dfs.namenode.rpc-address.hdfs.nn2": "10.0.0.2:8020",
      "dfs.namenode.shared.edits.dir": "qjournal://10.0.0.1:8485;10.0.0.2:8485;10.0.0.3:8485/hdfs",
      "dfs.nameservices": "hdfs",
      "dfs.replication": "3",
    }
  `);
  expect(settings(files[`${CONFIG}/zkfc/zkfc-site.xml`])).toMatchInlineSnapshot(`
    {
      "dfs.ha.zkfc.port": "8019",
      "ha.zookeeper.quorum": "10.0.0.9:2181",
      "ha.zookeeper.session-timeout.ms": "10000",
    }
  `);
});

const beans = (attributes: Record<string, Json>) => ({ beans: [attributes] });
const ask = (name: string) => `/jmx?qry=Hadoop:service=NameNode,name=${name}`;
const serving = single
  .answer(ask('NameNodeStatus'), beans({ State: 'active' }))
  .answer(ask('FSNamesystemState'), beans({ FSState: 'Operational', NumLiveDataNodes: 3, FilesTotal: 7 }))
  .prints('id -un', 'hdfs\n');
const pair = ha
  .answer(ask('NameNodeStatus'), beans({ State: 'standby' }))
  .answer(ask('NameNodeStatus'), beans({ State: 'active' }), 'h2')
  .answer(ask('FSNamesystemState'), beans({ FSState: 'Operational', NumLiveDataNodes: 3, FilesTotal: 7 }));

test('the first NameNode makes the file system, once', async () => {
  const first = await single.run(nameNode, 'init', 'h1');
  expect(first.programs).toEqual([{ program: 'scripts/format.sh', args: [] }]);
  expect((await first.next.run(nameNode, 'init', 'h1')).programs).toEqual([]);
});

test('a second NameNode waits for one that serves, and fetches what it has', async () => {
  await expect(ha.run(nameNode, 'init', 'h2')).rejects.toThrow('h1 has to serve first, and is silent.');
  expect((await pair.run(nameNode, 'init', 'h2')).programs).toHaveLength(1);
});

const journals = (status: string) => beans({ JournalsStatus: status });
const journalBean = '/jmx?qry=Hadoop:service=JournalNode,name=JournalNodeInfo';

test('a NameNode that was alone gives its changes to JournalNodes before it is started as one of two', async () => {
  const alone = pair.answer(ask('NameNodeInfo'), beans({ NameJournalStatus: '[{"manager":"FileJournalManager"}]' }));
  await expect(alone.run(nameNode, 'configure', 'h1')).rejects.toThrow('No JournalNode answers');
  const empty = alone.answer(journalBean, journals('{}'));
  expect((await empty.run(nameNode, 'configure', 'h1')).programs).toEqual([
    { program: 'scripts/shareChanges.sh', args: [] },
  ]);
  const shared = alone.answer(journalBean, journals('{"hdfs":{"Formatted":"true"}}'), 'h3');
  expect((await shared.run(nameNode, 'configure', 'h1')).programs).toEqual([]);
  const both = empty.answer(
    ask('NameNodeInfo'),
    beans({ NameJournalStatus: '[{"manager":"QJM to [10.0.0.1:8485]"}]' }),
  );
  expect((await both.run(nameNode, 'configure', 'h1')).programs).toEqual([]);
});

test('two NameNodes are refused without what they need, and a single one with what is of two', () => {
  expect([single.broken(), ha.broken()]).toEqual([[], []]);
  const bare = simulate(stack).add(nameNode, 'h1', 'h2').add(secondaryNameNode, 'h3').add(dataNode, 'h1');
  expect(bare.broken()).toMatchInlineSnapshot(`
    [
      "Two NameNodes share their changes by JournalNodes. Place one at least, better three.",
      "NameNodes that take over from one another need a failover controller each. Place zkfc on all their hosts.",
      "Of two NameNodes the one that stands by does what a SecondaryNameNode is for. Remove it.",
    ]
  `);
  expect(ha.remove(nameNode, 'h2').imports('zookeeper', { connect: '' }).broken()).toMatchInlineSnapshot(`
    [
      "A failover controller needs a second NameNode. Place one, or remove zkfc.",
      "Failover controllers need a ZooKeeper in the cluster. Add the service zookeeper.",
    ]
  `);
});

test.each([
  ['nothing answers', single, 'No NameNode is active: h1 is silent.'],
  ['both stand by', ha.answer(ask('NameNodeStatus'), beans({ State: 'standby' })), 'h1 is standby, h2 is standby'],
  [
    'it is in safe mode',
    serving
      .answer(ask('FSNamesystemState'), beans({ FSState: 'safeMode' }))
      .answer(ask('NameNodeInfo'), beans({ Safemode: 'Safe mode is ON.\n 3 of 9 blocks are reported.' })),
    'h1 is in safe mode: Safe mode is ON. 3 of 9 blocks are reported.',
  ],
  [
    'no DataNode lives',
    serving.answer(ask('FSNamesystemState'), beans({ FSState: 'Operational', NumLiveDataNodes: 0 })),
    'No DataNode lives, so no file can be written.',
  ],
])('the check of a NameNode fails when %s', async (_, cluster, message) => {
  await expect(cluster.run(nameNode, 'check', 'h1')).rejects.toThrow(message);
});

const links = (...states: string[]) =>
  beans({
    BPServiceActorInfo: JSON.stringify(states.map((ActorState) => ({ ActorState, NamenodeAddress: 'h1:8020' }))),
  });

test('a DataNode that no NameNode took in fails its check', async () => {
  const at = '/jmx?qry=Hadoop:service=DataNode,name=DataNodeInfo';
  await expect(single.answer(at, links('CONNECTING')).run(dataNode, 'check', 'h2')).rejects.toThrow(
    'h2 is CONNECTING for h1:8020.',
  );
  await expect(ha.answer(at, links('RUNNING')).run(dataNode, 'check', 'h2')).rejects.toThrow(
    'h2 reports to 1 NameNodes, not 2.',
  );
  expect((await single.answer(at, links('RUNNING')).run(dataNode, 'check', 'h2')).log).toEqual([
    'h2 reports to h1:8020.',
  ]);
});

const told = (state: object, decom: object = {}) =>
  beans({
    LiveNodes: JSON.stringify({ '10.0.0.1:9866': { adminState: 'In Service' }, '10.0.0.3:9866': state }),
    DeadNodes: '{}',
    DecomNodes: JSON.stringify(decom),
  });

test('a DataNode that leaves is named to the NameNodes, and is empty when each block has copies elsewhere', async () => {
  const busy = serving.answer(
    ask('NameNodeInfo'),
    told({ adminState: 'Decommission In Progress' }, { '10.0.0.3:9866': { underReplicatedBlocks: 5 } }),
  );
  await expect(busy.decommission(dataNode, 'h3')).rejects.toThrow(
    'h3 has 5 blocks to copy. Only 1 DataNodes stay for files of 3 copies: add one.',
  );
  const empty = serving.answer(ask('NameNodeInfo'), told({ adminState: 'Decommissioned' }));
  const { files, log, programs, next } = await empty.decommission(dataNode, 'h3');
  expect(log).toEqual(['Every block has enough copies elsewhere.']);
  expect(files[`${CONFIG}/namenode/dfs.exclude`]).toBe('10.0.0.3:9866\n');
  expect(programs.map(({ args }) => args.slice(-3))).toEqual([['-fs', 'hdfs://10.0.0.1:8020', '-refreshNodes']]);
  const back = next.answer(ask('NameNodeInfo'), told({ adminState: 'In Service' }));
  expect((await back.recommission(dataNode, 'h3')).files[`${CONFIG}/namenode/dfs.exclude`]).toBe('');
});

test('NameNodes do not read again who leaves while one that was removed is alive for them, which would cost copies', async () => {
  const known = told({ adminState: 'Decommissioned' });
  const LiveNodes = JSON.stringify({ '10.0.0.3:9866': {}, '10.0.0.9:9866': { adminState: 'Decommissioned' } });
  const after = serving.answer(ask('NameNodeInfo'), beans({ LiveNodes, DeadNodes: '{}', DecomNodes: '{}' }));
  await expect(after.decommission(dataNode, 'h3')).rejects.toThrow(
    '10.0.0.9 was removed, and is alive for the NameNode',
  );
  const { programs } = await serving.answer(ask('NameNodeInfo'), known).decommission(dataNode, 'h3');
  expect(programs).toHaveLength(1);
});

test('on hosts that share a machine those that leave are also named by the address that they call from', async () => {
  const stays = { '127.0.0.12:10066': { adminState: 'In Service' } };
  const tells = (adminState: string) =>
    beans({
      LiveNodes: JSON.stringify({ ...stays, '127.0.0.13:10166': { adminState } }),
      DeadNodes: '{}',
      DecomNodes: '{}',
    });
  const local = serving.local();
  const { files } = await local.answer(ask('NameNodeInfo'), tells('Decommissioned')).decommission(dataNode, 'h3');
  expect(files[`/srv/h1${CONFIG}/namenode/dfs.exclude`]).toBe('127.0.0.13:10166\n127.0.0.1:10166\n');
  const busy = local.answer(ask('NameNodeInfo'), tells('Decommission In Progress'));
  await expect(busy.decommission(dataNode, 'h3')).rejects.toThrow('h3 has not been asked yet.');
  const unknown = local.answer(ask('NameNodeInfo'), beans({ LiveNodes: '{}', DeadNodes: '{}', DecomNodes: '{}' }));
  await expect(unknown.decommission(dataNode, 'h3')).rejects.toThrow('h3 is silent: start it');
});

test('actions ask the NameNode that is active, whichever runs them', async () => {
  const report = await pair.action(nameNode, 'report', {}, 'h1');
  expect(report.result).toMatchObject({ active: 'h2', NumLiveDataNodes: 3, FilesTotal: 7 });
  const safe = await pair.action(nameNode, 'enterSafeMode', {}, 'h1');
  expect(safe.programs[0]?.args.slice(-4)).toEqual(['-fs', 'hdfs://10.0.0.2:8020', '-safemode', 'enter']);
  const over = await pair.action(nameNode, 'failover', {}, 'h1');
  expect(over.programs[0]?.args.slice(-3)).toEqual(['-failover', 'nn2', 'nn1']);
  expect(over.result).toEqual({ active: 'h1', before: 'h2' });
  await expect(serving.action(nameNode, 'failover')).rejects.toThrow('No NameNode stands by for h1.');
});

test('a client host gets a command line that knows the file system', async () => {
  const { files } = await single.run(client, 'configure', 'edge');
  const text = files[`${CONFIG}/hdfs_client/hdfs`] ?? '';
  expect(text).toContain("-cp '/etc/stackyard/hdfs/hdfs_client:/opt/stackyard/hadoop-3.4.2/lib/*'");
  expect(files[`${CONFIG}/hdfs_client/hdfs-site.xml`]).not.toContain('xi:include');
});

test('the heap of a NameNode follows from its host', async () => {
  const heapWith = async (memory: number) =>
    (await single.facts({ memory }).run(nameNode, 'start', 'h1')).process?.args[0];
  const gibibyte = 1024 ** 3;
  expect([await heapWith(gibibyte), await heapWith(64 * gibibyte), await heapWith(1024 * gibibyte)]).toEqual([
    '-Xmx256m',
    '-Xmx8192m',
    '-Xmx16384m',
  ]);
});
