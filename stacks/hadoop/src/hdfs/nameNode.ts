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
  role,
  rolling,
  tcp,
  until,
} from '@stackyard/sdk';
import { log4j } from '../core.ts';
import { actions } from './actions.ts';
import { classPath, hadoop, stateOf } from './ask.ts';
import {
  DATANODE,
  exclude,
  hdfsCore,
  hdfsSite,
  JOURNALNODE,
  NAMENODE,
  nameNodeEnv,
  nameNodeSite,
  ZKFC,
} from './configs.ts';
import { check, prepare } from './files.ts';

/** The first NameNode makes the file system, each later one fetches it from one that is there. */
const format = (host: Host): Promise<void> =>
  host.once('format', async () => {
    const [first, ...others] = host.instances(NAMENODE);
    const NAME_DIR = host.get(nameNodeSite.nameDir);
    const given = { NAME_DIR, CLASS_PATH: classPath(host), CLUSTER: host.get(hdfsSite.clusterId) };
    if (others.length > 0 && host.instances(ZKFC).length === 0)
      throw new Error('Two NameNodes need a failover controller each. Place zkfc on their hosts.');
    if (host.self.ordinal === first?.ordinal)
      return void (await host.script('scripts/format.sh', { ...given, HOW: 'format' }));
    await until(host, async () => {
      const states = await Promise.all([first!, ...others].map((node) => stateOf(host, node)));
      if (!states.some((state) => state === 'active' || state === 'standby'))
        throw new Error(`${first?.host} has to serve first, and is ${states[0]}.`);
    });
    await host.script('scripts/format.sh', { ...given, HOW: 'fetch' });
  });

/** Who is to leave is read again from the file of excluded DataNodes. */
const reload = async (host: Host): Promise<void> => {
  const own = `hdfs://${host.self.address}:${host.get(hdfsSite.rpcPort)}`;
  await hadoop(host, 'org.apache.hadoop.hdfs.tools.DFSAdmin', '-fs', own, '-refreshNodes');
};

export const nameNode = defineComponent(NAMENODE.name, {
  title: 'NameNode',
  category: 'server',
  cardinality: '1-2',
  place: { hosts: 1, score: fact.memory },
  config: [hdfsCore, hdfsSite, nameNodeSite, nameNodeEnv, exclude, log4j],
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
  lifecycle: { init: format, prepare, check, reload },
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
