import {
  concat,
  defineComponent,
  defineConfig,
  definePackage,
  defineService,
  defineStack,
  div,
  fact,
  hostPorts,
  http,
  type Host,
  java,
  jdk,
  jsonPath,
  min,
  p,
  prometheus,
  rolling,
  self,
  tcp,
  until,
} from '@stackyard/sdk';

export const zooCfg = defineConfig(
  'zoo.cfg',
  {
    clientPort: p.port(2181).help('Port that clients connect to'),
    quorumPort: p.port(2888).help('Port on which members follow their leader'),
    electionPort: p.port(3888).help('Port on which members elect their leader'),
    dataDir: p.dir('/var/lib/zookeeper').pinned().help('Snapshots, transaction logs and myid'),
    tickTime: p.duration(2000).min(100).max(60_000).help('Length of one tick, the unit of the limits below'),
    initLimit: p.int(10).min(1).max(1000).unit('ticks').help('How long a member may take to join its leader'),
    syncLimit: p.int(5).min(1).max(1000).unit('ticks').help('How far a member may fall behind its leader'),
    maxClientCnxns: p.int(60).min(0).help('Connections per client address; 0 for no limit'),
    snapRetainCount: p.int(3).min(3).key('autopurge.snapRetainCount').help('Snapshots that purging keeps'),
    purgeInterval: p.int(24).min(0).key('autopurge.purgeInterval').help('Hours between purges; 0 for never'),
    fourLetterWords: p.list(['srvr', 'mntr', 'ruok']).key('4lw.commands.whitelist').help('Four letter words answered'),
    adminPort: p.port(9393).key('admin.serverPort').help('Admin server, used by health checks'),
    metricsPort: p.port(7000).key('metricsProvider.httpPort').help('Prometheus endpoint'),
    extra: p.map({}).help('Further settings of zoo.cfg, written as they are'),
  },
  { title: 'Server', effect: 'rolling' },
);

export const zooEnv = defineConfig(
  'zookeeper-env',
  {
    heap: p
      .memory(min(1024, div(fact.memory, 32 * 1024 * 1024)))
      .min(48)
      .help('Heap of a server'),
    jvmOptions: p.list(['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xss512k']).help('Options of the JVM'),
  },
  { title: 'Java', file: false, effect: 'rolling' },
);

const level = p.enum(['ERROR', 'WARN', 'INFO', 'DEBUG'], 'INFO').help('What is logged; read again every half minute');
export const logback = defineConfig('logback.xml', { level }, { title: 'Logging', effect: 'none' });

/** The command line client, ready to run on every host that has the client component. */
const zkCli = defineConfig('zkcli.sh', {}, { title: 'Client', format: 'text', mode: 0o755, effect: 'none' });

export const server = defineComponent('zookeeper_server', {
  title: 'ZooKeeper Server',
  category: 'server',
  cardinality: '1+',
  prefer: 'odd',
  config: [zooCfg, zooEnv, logback],
  process: java({
    main: 'org.apache.zookeeper.server.quorum.QuorumPeerMain',
    jvm: [concat('-Xmx', zooEnv.heap, 'm'), zooEnv.jvmOptions, concat('-Dlogback.configurationFile=', logback.path)],
    args: [zooCfg.path],
    ready: tcp(zooCfg.clientPort),
    stopMs: 30_000,
  }),
  files: [{ in: zooCfg.dataDir, name: 'myid', content: self.ordinal }],
  role: jsonPath(http(zooCfg.adminPort, '/commands/monitor'), 'server_state'),
  lifecycle: { check: inQuorum },
  timeouts: { check: 120 },
  health: { port: tcp(zooCfg.clientPort), ruok: http(zooCfg.adminPort, '/commands/ruok') },
  metrics: prometheus(zooCfg.metricsPort, {
    'Average latency (ms)': 'avg_latency',
    'Outstanding requests': 'outstanding_requests',
    'Open connections': 'num_alive_connections',
    Znodes: 'znode_count',
  }),
  links: { 'Admin server': http(zooCfg.adminPort, '/commands') },
  upgrade: rolling(),
});

/** A server that lost its quorum still answers on its port; only what it says of itself tells. */
async function inQuorum(host: Host): Promise<void> {
  const members = host.instances(server).length;
  await until(host, async () => {
    const answer = await host.fetchJson(host.get(zooCfg.adminPort), '/commands/monitor');
    const { peer_state: does = 'not serving', quorum_size: known } = answer as Record<string, string | undefined>;
    if (!does.endsWith('broadcast')) throw new Error(`${host.self.host} is outside the quorum: it is ${does}.`);
    if (Number(known) !== members) throw new Error(`${host.self.host} knows ${known} members, not ${members}.`);
    host.log(`${host.self.host} is ${does} as one of ${members}.`);
  });
}

export const client = defineComponent('zookeeper_client', {
  title: 'ZooKeeper Client',
  category: 'client',
  cardinality: '0+',
  config: [zkCli, logback],
});

export const zookeeper = defineService('zookeeper', {
  title: 'ZooKeeper',
  description: 'A replicated coordination service',
  version: '3.9.4',
  user: 'zookeeper',
  license: 'Apache-2.0',
  packages: [
    definePackage('zookeeper', {
      version: '3.9.4',
      maven: {
        bom: 'org.apache.zookeeper:parent:3.9.4',
        artifacts: [
          'org.apache.zookeeper:zookeeper:3.9.4',
          'org.apache.zookeeper:zookeeper-prometheus-metrics:3.9.4',
          'org.eclipse.jetty:jetty-server',
          'org.eclipse.jetty:jetty-servlet',
          'com.fasterxml.jackson.core:jackson-databind',
          'commons-cli:commons-cli',
          'jline:jline',
          'io.dropwizard.metrics:metrics-core',
          'org.xerial.snappy:snappy-java',
          'ch.qos.logback:logback-classic',
        ],
      },
    }),
  ],
  requires: [jdk('>=11')],
  components: [server, client],
  exports: { connect: hostPorts(server, zooCfg.clientPort) },
});

export default defineStack({ services: [zookeeper] });
