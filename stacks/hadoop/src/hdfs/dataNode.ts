import {
  after,
  concat,
  defineComponent,
  fact,
  type Host,
  http,
  java,
  jmx,
  prometheus,
  rolling,
  tcp,
  until,
} from '@stackyard/sdk';
import { log4j } from '../core.ts';
import { bean } from './ask.ts';
import { DATANODE, dataNodeEnv, dataNodeSite, hdfsCore, hdfsSite, NAMENODE } from './configs.ts';
import { drain, takeBack } from './drain.ts';
import { nameNode } from './nameNode.ts';

/** A DataNode that no NameNode took in has an open port too. */
const check = (host: Host): Promise<void> =>
  until(host, async () => {
    const at = { address: host.self.address, port: host.get(dataNodeSite.httpPort) };
    const { BPServiceActorInfo } = await bean(host, at, 'DataNode,name=DataNodeInfo');
    const links = JSON.parse(String(BPServiceActorInfo)) as { NamenodeAddress: string; ActorState: string }[];
    const open = links.find(({ ActorState }) => ActorState !== 'RUNNING');
    if (open) throw new Error(`${host.self.host} is ${open.ActorState} for ${open.NamenodeAddress}.`);
    const wanted = host.instances(NAMENODE).length;
    if (links.length < wanted)
      throw new Error(`${host.self.host} reports to ${links.length} NameNodes, not ${wanted}.`);
    host.log(`${host.self.host} reports to ${links.map(({ NamenodeAddress }) => NamenodeAddress).join(' and ')}.`);
  });

export const dataNode = defineComponent(DATANODE.name, {
  title: 'DataNode',
  category: 'server',
  cardinality: '1+',
  place: { hosts: 1000, score: fact.disk },
  config: [hdfsCore, hdfsSite, dataNodeSite, dataNodeEnv, log4j],
  process: java({
    main: 'org.apache.hadoop.hdfs.server.datanode.DataNode',
    jvm: [concat('-Xmx', dataNodeEnv.heap, 'm'), dataNodeEnv.jvmOptions, '--add-opens=java.base/java.lang=ALL-UNNAMED'],
    ready: jmx(dataNodeSite.httpPort, 'Hadoop:service=DataNode,name=DataNodeInfo', 'ClusterId'),
    readyMs: 300_000,
  }),
  after: [after(nameNode)],
  lifecycle: { check },
  timeouts: { check: 300 },
  health: { blocks: tcp(dataNodeSite.dataPort), page: http(dataNodeSite.httpPort, '/jmx?qry=java.lang:type=Runtime') },
  metrics: prometheus(
    dataNodeSite.httpPort,
    {
      'Bytes written': 'datanode_bytes_written',
      'Bytes read': 'datanode_bytes_read',
      Transfers: 'datanode_data_node_active_xceivers_count',
    },
    '/prom',
  ),
  links: { DataNode: http(dataNodeSite.httpPort, '/datanode.html') },
  decommission: { by: nameNode, drain, undo: takeBack, timeout: 24 * 3600 },
  upgrade: rolling(),
});
