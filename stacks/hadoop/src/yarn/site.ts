import {
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
  mul,
  own,
  p,
  self,
} from '@stackyard/sdk';
import { coreSite, jvmOf } from '../core.ts';

/** Components by name: configs list members of components that are made of them. */
export const RESOURCEMANAGER = { name: 'resourcemanager' };
export const NODEMANAGER = { name: 'nodemanager' };
export const HISTORYSERVER = { name: 'historyserver' };

export const yarnCore = coreSite('yarn', importOf('hdfs', 'defaultFS'));

const MIB = 1024 * 1024;
const severalManagers = gt(count(RESOURCEMANAGER), 1);

export const yarnSite = defineConfig(
  'yarn-site.xml',
  {
    webPort: p.port(8088).help('Pages, REST and metrics of the ResourceManager'),
    clientPort: p.port(8032).help('Port of the ResourceManager that clients connect to'),
    schedulerPort: p.port(8030).help('Port of the ResourceManager that applications ask for containers'),
    trackerPort: p.port(8031).help('Port of the ResourceManager that NodeManagers report to'),
    adminPort: p.port(8033).help('Port of the ResourceManager for administration'),
    nodePort: p.port(8041).help('Port of a NodeManager on which containers are started'),
    localizerPort: p.port(8040).help('Port of a NodeManager that brings files to containers'),
    nodeWebPort: p.port(8042).help('Pages, REST and metrics of a NodeManager'),
    nodeMemory: p
      .memory(mul(div(fact.memory, MIB), 0.7))
      .min(256)
      .key('yarn.nodemanager.resource.memory-mb')
      .help('Memory of a host for containers; what is left is for its daemons and the system'),
    nodeVcores: p.int(fact.cpus).min(1).key('yarn.nodemanager.resource.cpu-vcores').help('Processors for containers'),
    minAllocation: p
      .memory(512)
      .min(32)
      .key('yarn.scheduler.minimum-allocation-mb')
      .help('Least memory of a container, and the step in which it grows'),
    maxAllocation: p
      .memory(65_536)
      .min(256)
      .key('yarn.scheduler.maximum-allocation-mb')
      .help('Most memory of a container; never more than the largest node has'),
    maxVcores: p.int(32).min(1).key('yarn.scheduler.maximum-allocation-vcores').help('Most processors of a container'),
    checkMemory: p
      .bool(true)
      .key('yarn.nodemanager.pmem-check-enabled')
      .help('Whether containers that take more memory than they asked for are ended'),
    localDir: p
      .dir('/var/lib/hadoop-yarn/local')
      .pinned()
      .key('yarn.nodemanager.local-dirs')
      .help('Where containers work, on NodeManagers'),
    containerLogs: p
      .dir('/var/log/hadoop-yarn/containers')
      .pinned()
      .key('yarn.nodemanager.log-dirs')
      .help('Logs of containers until they are collected, on NodeManagers'),
    diskLimit: p
      .float(90)
      .min(1)
      .max(100)
      .unit('%')
      .key('yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage')
      .help('How full a disk may be before its host gets no containers'),
    collectLogs: p
      .bool(true)
      .key('yarn.log-aggregation-enable')
      .help('Whether logs of finished applications are collected in HDFS'),
    collectedLogs: p
      .text('/app-logs')
      .pattern(/\/.+/)
      .key('yarn.nodemanager.remote-app-log-dir')
      .help('Where in HDFS they are collected'),
    keepLogs: p
      .int(7 * 86_400)
      .unit('s')
      .key('yarn.log-aggregation.retain-seconds')
      .help('How long they are kept'),
    nodeExpiry: p
      .duration(600_000)
      .min(5000)
      .key('yarn.nm.liveness-monitor.expiry-interval-ms')
      .help('After how much silence a node is lost and its containers are started elsewhere'),
    drainSeconds: p
      .int(3600)
      .min(0)
      .max(86_400)
      .unit('s')
      .key('yarn.resourcemanager.nodemanager-graceful-decommission-timeout-secs')
      .effect('reload')
      .help('How long a node that leaves may go on with its containers'),
    recovery: p
      .bool(true)
      .key('yarn.resourcemanager.recovery.enabled')
      .help('Whether applications outlive the ResourceManager that runs them'),
    stateDir: p
      .text('/yarn/state')
      .pattern(/\/.+/)
      .key('yarn.resourcemanager.fs.state-store.uri')
      .help('Where in HDFS a single ResourceManager remembers applications; several do it in ZooKeeper'),
    clusterId: p.uuid().key('yarn.resourcemanager.cluster-id').help('What several ResourceManagers are one cluster by'),
    zookeeper: p
      .text(importOf('zookeeper', 'connect'))
      .when(severalManagers)
      .key('hadoop.zk.address')
      .help('The ZooKeeper in which several ResourceManagers agree on the active one'),
    zookeeperTimeout: p
      .duration(10_000)
      .min(1000)
      .when(severalManagers)
      .key('hadoop.zk.timeout-ms')
      .help('After how much silence another ResourceManager takes over'),
    extra: p.map({}).help('Further settings of yarn-site.xml, written as they are'),
  },
  { title: 'YARN', effect: 'rolling' },
);

export const mapredSite = defineConfig(
  'mapred-site.xml',
  {
    historyPort: p.port(10_020).help('Port of the JobHistoryServer that clients connect to'),
    historyAdminPort: p.port(10_033).help('Port of the JobHistoryServer for administration'),
    historyWebPort: p.port(19_888).help('Pages, REST and metrics of the JobHistoryServer'),
    shufflePort: p.port(13_562).help('Port of a NodeManager that gives results of maps to reduces'),
    historyDir: p.text('/mr-history').pattern(/\/.+/).help('Where in HDFS the history of jobs is kept'),
    stagingDir: p
      .text('/user')
      .pattern(/\/.+/)
      .key('yarn.app.mapreduce.am.staging-dir')
      .help('Below it jobs are staged in the folder of their user'),
    amMemory: p.memory(1024).min(64).key('yarn.app.mapreduce.am.resource.mb').help('Memory of the master of a job'),
    amHeap: p
      .memory(mul(own('amMemory'), 0.75))
      .min(32)
      .help('Heap of the master of a job'),
    mapMemory: p.memory(1024).min(64).key('mapreduce.map.memory.mb').help('Memory of a map'),
    mapHeap: p
      .memory(mul(own('mapMemory'), 0.75))
      .min(32)
      .help('Heap of a map'),
    reduceMemory: p.memory(1024).min(64).key('mapreduce.reduce.memory.mb').help('Memory of a reduce'),
    reduceHeap: p
      .memory(mul(own('reduceMemory'), 0.75))
      .min(32)
      .help('Heap of a reduce'),
    sortMemory: p.memory(100).min(1).key('mapreduce.task.io.sort.mb').help('Memory in which a map sorts its results'),
    taskOptions: p.list(['-XX:+UseSerialGC']).help('Options of the JVMs of jobs'),
    extra: p.map({}).help('Further settings of mapred-site.xml, written as they are'),
  },
  { title: 'MapReduce', effect: 'rolling' },
);

export const queues = defineConfig(
  'capacity-scheduler.xml',
  {
    queues: p.map({ default: 100 }).help('Queues with their share of the cluster in percent; 100 together'),
    limits: p.map({}).help('Most that a queue may take while others are idle, in percent; all of it unless given'),
    mastersShare: p
      .float(0.2)
      .min(0.01)
      .max(1)
      .key('yarn.scheduler.capacity.maximum-am-resource-percent')
      .help('How much of a queue may go to masters of applications, from 0 to 1'),
    maxApplications: p
      .int(10_000)
      .min(1)
      .key('yarn.scheduler.capacity.maximum-applications')
      .help('Applications that may run and wait at once'),
    extra: p.map({}).help('Further settings of capacity-scheduler.xml, written as they are'),
  },
  { title: 'Queues', effect: 'reload' },
);

/** Read by the ResourceManager when it is told to, which the decommissioning does itself. */
export const excluded = defineConfig(
  'yarn.exclude',
  {
    leaving: p
      .text(each(NODEMANAGER, concat(self.host, ' ', self.address), { separator: ' ', only: 'leaving' }))
      .help('Nodes that get no containers any more, by host and by address'),
  },
  { title: 'Nodes that leave', format: 'text', effect: 'none' },
);

const partOfMemory = (parts: number, most: number) => max(256, min(most, div(fact.memory, parts * MIB)));
export const managerEnv = jvmOf(RESOURCEMANAGER.name, partOfMemory(16, 16_384));
export const nodeEnv = jvmOf(NODEMANAGER.name, partOfMemory(32, 4096));
export const historyEnv = jvmOf(HISTORYSERVER.name, partOfMemory(32, 4096));

/** How to reach HDFS, for the daemons of YARN and for their functions. */
export const hdfsAccess = defineConfig(
  'hdfs-site.xml',
  {
    nameservice: p.text(importOf('hdfs', 'nameservice')).help('What HDFS is called; empty where it has one NameNode'),
    namenodes: p.text(importOf('hdfs', 'namenodes')).help('Its NameNodes'),
    webhdfs: p.text(importOf('hdfs', 'webhdfs')).help('Where its directories for YARN are made'),
    byName: p
      .bool(true)
      .key('dfs.client.use.datanode.hostname')
      .help('Whether DataNodes are reached by the addresses that they have in the platform'),
    extra: p.map({}).help('Further settings of a client of HDFS, written as they are'),
  },
  { title: 'HDFS', template: 'hdfs-access.xml.hbs', effect: 'rolling' },
);

/** The command line, ready to run on every host that has the client component. */
export const yarnSh = defineConfig('yarn.sh', {}, { title: 'Client', format: 'text', mode: 0o755, effect: 'none' });
