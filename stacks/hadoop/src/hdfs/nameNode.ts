import { after, concat, defineComponent, fact, http, java, jmx, prometheus, role, rolling, tcp } from '@stackyard/sdk';
import { log4j } from '../core.ts';
import { actions } from './actions.ts';
import {
  DATANODE,
  exclude,
  hdfsCore,
  hdfsSite,
  JOURNALNODE,
  NAMENODE,
  nameNodeEnv,
  nameNodeSite,
  racks,
  ZKFC,
} from './configs.ts';
import { check, prepare } from './files.ts';
import { format, shareChanges } from './names.ts';

export const nameNode = defineComponent(NAMENODE.name, {
  title: 'NameNode',
  category: 'server',
  cardinality: '1-3',
  place: { hosts: 1, score: fact.memory },
  config: [hdfsCore, hdfsSite, nameNodeSite, nameNodeEnv, exclude, racks, log4j],
  process: java({
    main: 'org.apache.hadoop.hdfs.server.namenode.NameNode',
    // WebHDFS needs what JDK 17 keeps to itself.
    jvm: [concat('-Xmx', nameNodeEnv.heap, 'm'), nameNodeEnv.jvmOptions, '--add-opens=java.base/java.lang=ALL-UNNAMED'],
    ready: tcp(hdfsSite.rpcPort),
    readyMs: 1_200_000,
  }),
  after: [
    after(JOURNALNODE, { phase: 'init' }),
    // What the check writes takes DataNodes and, of two NameNodes, one that was made active.
    ...[DATANODE, ZKFC].flatMap((it) => [after(it, { phase: 'prepare' }), after(it, { phase: 'check' })]),
  ],
  lifecycle: { configure: shareChanges, init: format, prepare, check },
  timeouts: { start: 1260, check: 600 },
  health: {
    port: tcp(hdfsSite.rpcPort),
    safeMode: jmx(hdfsSite.httpPort, 'Hadoop:service=NameNode,name=FSNamesystemState', 'FSState', {
      expected: 'Operational',
    }),
  },
  role: jmx(hdfsSite.httpPort, 'Hadoop:service=NameNode,name=NameNodeStatus', 'State'),
  metrics: prometheus(
    hdfsSite.httpPort,
    {
      'Bytes that are free': 'fs_namesystem_capacity_remaining',
      'Blocks with too few copies': 'fs_namesystem_under_replicated_blocks',
      'Requests that wait': 'rpc_call_queue_length',
    },
    '/prom',
  ),
  links: { NameNode: http(hdfsSite.httpPort, '/'), Files: http(hdfsSite.httpPort, '/explorer.html') },
  actions,
  upgrade: rolling({ last: role('active') }),
});
