import {
  after,
  choose,
  concat,
  count,
  defineComponent,
  type Host,
  http,
  java,
  prometheus,
  rolling,
  tcp,
} from '@stackyard/sdk';
import { log4j } from '../core.ts';
import { classPath } from './ask.ts';
import {
  hdfsCore,
  hdfsSite,
  isHA,
  JOURNALNODE,
  journalNodeEnv,
  journalNodeSite,
  ZKFC,
  zkfcEnv,
  zkfcSite,
} from './configs.ts';
import { nameNode } from './nameNode.ts';

/** A majority of them has each change before a NameNode says that it is done. */
export const journalNode = defineComponent(JOURNALNODE.name, {
  title: 'JournalNode',
  category: 'server',
  cardinality: '0+',
  prefer: 'odd',
  place: { hosts: choose(isHA, 3, 0) },
  config: [hdfsCore, hdfsSite, journalNodeSite, journalNodeEnv, log4j],
  process: java({
    main: 'org.apache.hadoop.hdfs.qjournal.server.JournalNode',
    jvm: [concat('-Xmx', journalNodeEnv.heap, 'm'), journalNodeEnv.jvmOptions],
    ready: tcp(hdfsSite.journalPort),
  }),
  health: { port: tcp(hdfsSite.journalPort) },
  metrics: prometheus(journalNodeSite.httpPort, { 'Heap in use (MiB)': 'jvm_metrics_mem_heap_used_m' }, '/prom'),
  links: { JournalNode: http(journalNodeSite.httpPort, '/journalnode.html') },
  upgrade: rolling(),
});

const format = (host: Host): Promise<void> =>
  host.once('formatZk', async () => void (await host.script('scripts/formatZk.sh', { CLASS_PATH: classPath(host) })));

/** Watches the NameNode of its host, and settles by ZooKeeper whether that one is active. */
export const failover = defineComponent(ZKFC.name, {
  title: 'Failover Controller',
  category: 'server',
  cardinality: '0-3',
  place: { hosts: choose(isHA, count(nameNode), 0) },
  with: [{ component: nameNode, why: 'it watches the NameNode of its own host' }],
  config: [hdfsCore, hdfsSite, zkfcSite, zkfcEnv, log4j],
  process: java({
    main: 'org.apache.hadoop.hdfs.tools.DFSZKFailoverController',
    jvm: [concat('-Xmx', zkfcEnv.heap, 'm'), zkfcEnv.jvmOptions],
    ready: tcp(zkfcSite.port),
  }),
  after: [after(nameNode)],
  lifecycle: { init: format },
  health: { port: tcp(zkfcSite.port) },
  upgrade: rolling(),
});
