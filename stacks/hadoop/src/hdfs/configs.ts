import {
  choose,
  concat,
  count,
  defineConfig,
  div,
  each,
  fact,
  gt,
  importOf,
  max,
  min,
  own,
  p,
  self,
} from '@stackyard/sdk';
import { coreSite, jvmOf } from '../core.ts';

/** By name: configs name the components that get them. */
export const NAMENODE = { name: 'namenode' };
export const DATANODE = { name: 'datanode' };
export const JOURNALNODE = { name: 'journalnode' };
export const ZKFC = { name: 'zkfc' };

/** More than one NameNode is what makes the file system highly available. */
export const isHA = gt(count(NAMENODE), 1);

/** What every daemon and every client has to know; what only one of them reads is in a file of its own beside it. */
export const hdfsSite = defineConfig(
  'hdfs-site.xml',
  {
    nameservice: p
      .text('hdfs')
      .pattern(/[a-z][a-z0-9-]{0,62}/)
      .pinned()
      .help('What the file system is called where it has more than one NameNode'),
    clusterId: p.uuid().help('What DataNodes know their file system by'),
    rpcPort: p.port(8020).help('Port of NameNodes that programs connect to'),
    httpPort: p.port(9870).help('Pages, metrics and WebHDFS of NameNodes'),
    journalPort: p.port(8485).help('Port of JournalNodes that NameNodes write to'),
    journal: p
      .text(concat('qjournal://', each(JOURNALNODE, concat(self.address, ':', own('journalPort')), { separator: ';' })))
      .pattern(/qjournal:\/\/[^;]+(;[^;]+)*/)
      .when(isHA)
      .help('JournalNodes that two NameNodes share their changes by: place one at least, better three'),
    replication: p
      .int(min(3, max(1, count(DATANODE))))
      .min(1)
      .max(512)
      .key('dfs.replication')
      .help('Copies of each block, where a program asks for no other number'),
    blockSize: p
      .text('128m')
      .pattern(/[1-9][0-9]*[kmg]/)
      .key('dfs.blocksize')
      .help('Size at which files are cut into blocks'),
    heartbeat: p.int(3).min(1).unit('s').key('dfs.heartbeat.interval').help('How often DataNodes report'),
    checkpointPeriod: p
      .int(3600)
      .min(10)
      .unit('s')
      .key('dfs.namenode.checkpoint.period')
      .help('How often changes are merged into the image of all names'),
    extra: p.map({}).help('Further settings of hdfs-site.xml, written as they are'),
  },
  { title: 'HDFS', effect: 'rolling' },
);
const firstNameNode = each(NAMENODE, concat(self.address, ':', hdfsSite.rpcPort), { first: true });
export const defaultFS = concat('hdfs://', choose(isHA, hdfsSite.nameservice, firstNameNode));
export const hdfsCore = coreSite('hdfs', defaultFS);

export const nameNodeSite = defineConfig(
  'namenode-site.xml',
  {
    nameDirs: p
      .dirs(['/var/lib/hdfs/name'])
      .key('dfs.namenode.name.dir')
      .help('Names of all files, and changes; each directory has all of them'),
    handlers: p.int(32).min(2).key('dfs.namenode.handler.count').help('Requests that are answered at once'),
    safeModeThreshold: p
      .float(0.999)
      .min(0)
      .max(1)
      .key('dfs.namenode.safemode.threshold-pct')
      .help('Share of the blocks that must be reported before files can be changed'),
    safeModeExtension: p
      .duration(30_000)
      .min(0)
      .key('dfs.namenode.safemode.extension')
      .help('How long safe mode goes on after that'),
    recheckInterval: p
      .duration(300_000)
      .min(500)
      .key('dfs.namenode.heartbeat.recheck-interval')
      .help('A DataNode is dead when it was silent for twice this and ten heartbeats'),
    decommissionInterval: p
      .int(30)
      .min(1)
      .unit('s')
      .key('dfs.namenode.decommission.interval')
      .help('How often it is looked at what DataNodes that leave still have'),
    extra: p.map({}).help('Further settings for NameNodes, written as they are'),
  },
  { title: 'NameNode', effect: 'rolling' },
);
export const nameNodeEnv = jvmOf('namenode', max(256, min(16_384, div(fact.memory, 8 * 1024 ** 2))));

/** DataNodes that are to be emptied. Decommissioning tells NameNodes to read it, a removal must not: see drain.ts. */
export const exclude = defineConfig(
  'dfs.exclude',
  { leaving: p.text(each(DATANODE, self.host, { only: 'leaving' })).help('DataNodes that are being emptied') },
  { title: 'Decommissioned', format: 'text', effect: 'none' },
);

/** NameNodes run it for DataNodes that they do not know yet, and keep what it said. */
export const racks = defineConfig(
  'racks.sh',
  {
    rack: p
      .text('/default-rack')
      .pattern(/(\/[A-Za-z0-9._-]+)+/)
      .effect('rolling')
      .help('Rack of a host, to be set for each: copies of a block go to two of them'),
  },
  { title: 'Racks', format: 'text', mode: 0o755, effect: 'none' },
);

export const dataNodeSite = defineConfig(
  'datanode-site.xml',
  {
    dataDirs: p
      .dirs(['/var/lib/hdfs/data'])
      .key('dfs.datanode.data.dir')
      .help('Blocks of files, one directory a disk; decommission before one is taken out'),
    // A NameNode knows a DataNode by address and port, and local hosts all call from one address.
    dataPort: p.port(9866).offsetByOrdinal(100).help('Port that blocks are read from and written to'),
    httpPort: p.port(9864).help('Pages, metrics and WebHDFS of DataNodes'),
    ipcPort: p.port(9867).help('Port that commands for DataNodes come to'),
    reserved: p.int(0).min(0).unit('bytes').key('dfs.datanode.du.reserved').help('Room on each disk left to others'),
    failedVolumes: p
      .int(0)
      .min(0)
      .key('dfs.datanode.failed.volumes.tolerated')
      .help('Disks that may fail before a DataNode ends'),
    transferThreads: p.int(4096).min(16).key('dfs.datanode.max.transfer.threads').help('Blocks in transfer at once'),
    balanceBandwidth: p
      .text('100m')
      .pattern(/[1-9][0-9]*[kmg]?/)
      .key('dfs.datanode.balance.bandwidthPerSec')
      .help('Bytes a second that rebalancing may take'),
    extra: p.map({}).help('Further settings for DataNodes, written as they are'),
  },
  { title: 'DataNode', effect: 'rolling' },
);
export const dataNodeEnv = jvmOf('datanode', max(128, min(4096, div(fact.memory, 32 * 1024 ** 2))));

export const secondarySite = defineConfig(
  'secondarynamenode-site.xml',
  {
    checkpointDir: p
      .dir('/var/lib/hdfs/checkpoint')
      .key('dfs.namenode.checkpoint.dir')
      .help('Images of all names while they are merged'),
    httpPort: p.port(9868).help('Page and metrics of the SecondaryNameNode'),
  },
  { title: 'SecondaryNameNode' },
);

export const journalNodeSite = defineConfig(
  'journalnode-site.xml',
  {
    editsDir: p
      .dir('/var/lib/hdfs/journal')
      .pinned()
      .key('dfs.journalnode.edits.dir')
      .help('Changes that NameNodes share'),
    httpPort: p.port(8480).help('Page and metrics of JournalNodes'),
  },
  { title: 'JournalNode', effect: 'rolling' },
);
export const journalNodeEnv = jvmOf('journalnode', max(128, min(1024, div(fact.memory, 64 * 1024 ** 2))));

export const zkfcSite = defineConfig(
  'zkfc-site.xml',
  {
    quorum: p
      .text(importOf('zookeeper', 'connect'))
      .when(gt(count(ZKFC), 0))
      .key('ha.zookeeper.quorum')
      .help('The ZooKeeper by which it is settled which NameNode is active'),
    port: p.port(8019).key('dfs.ha.zkfc.port').help('Port by which failover controllers talk to each other'),
    sessionTimeout: p
      .duration(10_000)
      .min(1000)
      .key('ha.zookeeper.session-timeout.ms')
      .help('How long a NameNode host may be silent before the other one takes over'),
  },
  { title: 'Failover', effect: 'rolling' },
);
export const zkfcEnv = jvmOf('zkfc', 128);
